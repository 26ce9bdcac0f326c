"""The contracts every family keeps, and evaluation relies on. Nothing else is known of a model.

A **language model** is a value with a state machine. A *state* stands for B contexts (what has been read so far by
each of B rows); it is a value too: `advance` and `select` return a new one and never change the one they are given,
so a beam search, a sampler or a cache may keep as many as it likes. What a state holds is the family's own business:
the last n - 1 tokens (n-gram), the distribution over hidden states (HMM), the hidden vectors (recurrent network).

Conventions, fixed here once:

- Tokens are integers in [0, vocabulary_size). 0 `<pad>` and 1 `<bos>` are never predicted: their log-probability is
  -inf. 2 `<eos>` ends a document and is predicted and counted; 3 `<unk>` stands for whatever the vocabulary lacks.
- A *document* is a 1-d integer array of tokens to predict, usually ending in `<eos>`; `<bos>` is no part of it: `start`
  is the state after `<bos>`. An empty document has no tokens and an empty array of log-probabilities.
- Logarithms are natural. Arrays are numpy, float64 or float32.
- The context of a token is everything before it in its own document, nothing of other documents.

The laws in tests/models/test_contract.py hold for every family.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from unroll.params.evaluate import DynamicSgd
from unroll.partition import Ids

LogProbs = NDArray[np.floating]
Weights = NDArray[np.floating]
State = TypeVar("State")


@runtime_checkable
class LanguageModel(Protocol[State]):
    vocabulary_size: int

    def start(self, batch_size: int = 1) -> State:
        """The state of `batch_size` contexts that have read `<bos>` alone."""

    def advance(self, state: State, tokens: Ids) -> State:
        """The state after row b has read tokens[b]; tokens has shape (B,)."""

    def next_log_probs(self, state: State) -> LogProbs:
        """log p(next token | context), shape (B, V); the exponentials of each row sum to one."""

    def select(self, state: State, rows: Ids) -> State:
        """The state whose row i is row rows[i] of `state`: reorders, repeats or drops contexts."""

    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        """log p of every token given its past: per document an array of its length. Equal to stepping, but fast."""


@runtime_checkable
class ConditionalModel(Protocol):
    """p(target | source): conditioning gives a language model, so every evaluation and search works unchanged."""

    vocabulary_size: int

    def given(self, sources: Sequence[Ids]) -> LanguageModel[Any]:
        """The language model of the targets of these sources: `start(len(sources))` has one context per source, and
        `log_probs` takes one document per source. A source is an array of tokens without special ones."""


@runtime_checkable
class Attentive(Protocol):
    """A language model of a source's targets that may tell where it looks."""

    def attention(self, state: Any) -> Weights | None:
        """Shape (B, S): the weights of the source's tokens (the last of them its end) behind `next_log_probs(state)`.
        They sum to one over the tokens that a source has; NaN where it has none. None: it has no attention."""


@runtime_checkable
class Classifier(Protocol):
    """p(class | document)."""

    classes: list[str]
    """The labels, sorted."""

    def log_posteriors(self, documents: Sequence[Ids]) -> LogProbs:
        """Natural logs, shape (D, C), column c of classes[c]; the exponentials of each row sum to one."""


@runtime_checkable
class Embeddings(Protocol):
    """A vector for every token."""

    vectors: NDArray[np.float32]
    """(V, D), finite; row i is the vector of token i."""
    known: NDArray[np.bool_]
    """(V,): which of them were learned or read, and not made up for a token without one."""


@runtime_checkable
class Embeds(Protocol):
    """A model that holds a vector of every token as a part of it."""

    @property
    def embedding(self) -> Weights:
        """(V, D); row i is the vector of token i."""


@runtime_checkable
class FillsBlanks(Protocol):
    """p(token | everything else in its document): what a model can do that reads from both sides."""

    def blanks(self, documents: Sequence[Ids]) -> tuple[list[LogProbs], list[Ids]]:
        """Per document and position, the log-probability of the token given all the others, and the likeliest token
        there. The documents come without `<eos>`: their ends are known."""


@runtime_checkable
class Adapts(Protocol):
    """A language model that can go on learning from the text it is given."""

    def adapted_log_probs(self, documents: Sequence[Ids], params: DynamicSgd) -> list[LogProbs]:
        """As `log_probs`, each segment scored before the weights learn from it; what was learned is forgotten after."""


class Saved(Protocol):
    """What every family's `Model` can do besides its contract."""

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`; `load(path)` of its family gives back an equal one."""


class Member(LanguageModel[State], Saved, Protocol[State]):
    """A language model that another model is made of, and saved with."""


def log_probs_by_stepping(model: LanguageModel[Any], documents: Sequence[Ids]) -> list[LogProbs]:
    """`log_probs` by `start`, `advance` and `next_log_probs`: the definition, for families without a faster way."""
    results: list[LogProbs] = []
    for document in documents:
        state, scores = model.start(1), np.empty(len(document))
        for position, token in enumerate(document):
            scores[position] = model.next_log_probs(state)[0, token]
            state = model.advance(state, np.asarray([token]))
        results.append(scores)
    return results
