"""The contract of models. Evaluation, search and use rely on nothing else.

A **language model** is immutable and works on states. A *state* represents B contexts, one per row. It is immutable as
well: `advance` and `select` return a new state and do not change the given one, so that a beam search, a sampler or a
cache can keep any number of states. Its content depends on the family: the last n - 1 tokens (n-gram), the distribution
over hidden states (HMM), the hidden vectors (recurrent network).

Conventions:

- Tokens are integers in [0, vocabulary_size). 0 `<pad>` and 1 `<bos>` are never predicted: their log-probability is
  -inf. 2 `<eos>` ends a document and is predicted and counted. 3 `<unk>` replaces tokens that the vocabulary lacks.
- A *document* is a 1-d integer array of tokens to predict, usually with `<eos>` at its end. `<bos>` is not part of it:
  `start` is the state after `<bos>`. An empty document has no tokens and an empty array of log-probabilities.
- Logarithms are natural. Arrays are numpy arrays of float64 or float32.
- The context of a token is all tokens before it in its own document. Other documents do not belong to it.

The laws in tests/models/test_contract.py hold for every family. Each family is a folder of `unroll.models` whose module
`model` has `fit(params, data, inputs, log) -> Model`, the class `Model`, and `load(path) -> Model`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from unroll.params.evaluate import DynamicSgd
from unroll.params.word_vectors import WordVectorParams
from unroll.text.streams import Ids

LogProbs = NDArray[np.floating]
Weights = NDArray[np.floating]
State = TypeVar("State")


class Log(Protocol):
    """Receives the measurements of a training."""

    def __call__(self, step: int, **values: float) -> None:
        """Log values by name at a step of the training."""


@runtime_checkable
class LanguageModel(Protocol[State]):
    """p(next token | context)."""

    vocabulary_size: int

    def start(self, batch_size: int = 1) -> State:
        """Return the state of `batch_size` contexts that have read only `<bos>`."""

    def advance(self, state: State, tokens: Ids) -> State:
        """Return the state after row b has read tokens[b]; tokens is (B,)."""

    def next_log_probs(self, state: State) -> LogProbs:
        """Return log p(next token | context), (B, V). The exponentials of each row sum to one."""

    def select(self, state: State, rows: Ids) -> State:
        """Return the state whose row i is row rows[i] of `state`. Rows may be reordered, repeated or dropped."""

    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        """Return log p of every token given its context: for each document an array of its length.

        The result equals that of stepping with `advance` and `next_log_probs`, but is computed faster.
        """


@runtime_checkable
class ConditionalModel(Protocol):
    """p(target | source). Conditioning returns a language model, so all evaluations and searches apply unchanged."""

    vocabulary_size: int

    def condition_on(self, sources: Sequence[Ids]) -> LanguageModel[Any]:
        """Return the language model of the targets of these sources.

        Args:
            sources: Arrays of tokens without special tokens.

        Returns:
            A language model whose `start(len(sources))` has one context per source, and whose `log_probs` takes one
            document per source.
        """


@runtime_checkable
class AttentionModel(Protocol):
    """A language model of a source's targets that can return its attention weights."""

    def attention(self, state: Any) -> Weights | None:
        """Return the attention weights of the source tokens behind `next_log_probs(state)`.

        Returns:
            Weights (B, S); the last source token is its end. They sum to one over the tokens of each source, and are
            NaN where a source has no token. None if the model has no attention.
        """


@runtime_checkable
class PastAttentionModel(Protocol):
    """A language model that may attend to the states before the current one."""

    def past_attention(self, document: Ids) -> Weights | None:
        """Return the attention behind the prediction of every token of a document.

        Args:
            document: The tokens (T,).

        Returns:
            Weights (T, T). Row t belongs to the prediction of token t, and column s to the state after the token before
            token s, which is `<bos>` for s = 0. Only s < t has weights. They sum to one, but row 0 has none. None if
            the model has no attention.
        """


@runtime_checkable
class WordVectors(Protocol):
    """A vector for every token."""

    vectors: NDArray[np.float32]
    """The vectors (V, D), all finite. Row i is the vector of token i."""
    known: NDArray[np.bool_]
    """Whether the vector of a token was learned or read, (V,). The others were filled in by `oov_init`."""
    other_words: Sequence[str]
    """Words beyond the vocabulary that have a vector, too."""
    other_vectors: NDArray[np.float32]
    """Their vectors (W, D)."""

    @property
    def params(self) -> WordVectorParams:
        """The settings, which name the analogy questions of the evaluation."""


@runtime_checkable
class EmbeddingModel(Protocol):
    """A model that contains token embeddings."""

    @property
    def embedding(self) -> Weights:
        """The embeddings (V, E). Row i is the vector of token i."""


@runtime_checkable
class ContextualModel(Protocol):
    """A model that gives every token of a text a vector that depends on the other tokens."""

    def contextual(self, document: Ids) -> Weights:
        """Return the contextual vectors (n, D) of the tokens of a document without `<eos>`."""


@runtime_checkable
class ClozeModel(Protocol):
    """p(token | all other tokens of its document), by a model that reads in both directions."""

    def cloze_log_probs(self, documents: Sequence[Ids]) -> tuple[list[LogProbs], list[Ids]]:
        """Predict every token from all others of its document.

        Args:
            documents: Documents without `<eos>`, since their ends are given.

        Returns:
            For each document, the log-probability of the token at each position, and the most probable token there.
        """

    def blank_log_probs(self, document: Ids, blanks: Ids) -> LogProbs:
        """Predict the tokens of blanks from all other tokens.

        Args:
            document: A document without `<eos>`.
            blanks: The positions of the blanks (B,). What the document has there is not read.

        Returns:
            The log-probabilities (B, V).
        """


@runtime_checkable
class DynamicModel(Protocol):
    """A language model that can learn from the text that it scores (dynamic evaluation)."""

    def adapted_log_probs(self, documents: Sequence[Ids], params: DynamicSgd) -> list[LogProbs]:
        """Return `log_probs`, with each segment scored before the weights learn from it. The model is unchanged."""


@runtime_checkable
class KStepModel(Protocol):
    """A language model with an exact method for predictions k steps ahead."""

    def k_step_log_probs(self, state: Any, steps: int) -> LogProbs:
        """Return log p(x_{t+k} | x_1..x_t) for k = 1 .. steps, (steps, B, V). `<eos>` is followed by `<eos>`."""


@runtime_checkable
class NgramTablesModel(Protocol):
    """A language model that is a table of n-grams of each order."""

    vocabulary_size: int

    @property
    def stored_ngrams(self) -> Sequence[tuple[int, int]]:
        """For each order n = 1 .. N, the number of contexts of n - 1 tokens, and that of n-grams with a probability."""


@runtime_checkable
class UnrolledModel(Protocol):
    """A recurrent language model. `contexts` (N, K) are N rows of K tokens, each read after `<bos>`."""

    def gradient_flow(self, contexts: Ids, targets: Ids) -> NDArray[np.floating]:
        """Measure how far gradients reach back.

        Args:
            contexts: Token ids (N, K).
            targets: The tokens (N,) after the contexts.

        Returns:
            (K + 1,), for k = 0 .. K the norm of d -log p(target) / d state k tokens before it, the mean over contexts.
            k = K is the state after `<bos>`.
        """

    def gate_activations(self, contexts: Ids) -> Sequence[dict[str, NDArray[np.floating]]]:
        """Return the gates of each layer by name, (N, K, H) in [0, 1]; none for a simple network."""

    def activations(self, contexts: Ids) -> Sequence[Any]:
        """Return the activations of each layer of a simple network; nothing for cells with gates.

        Each has the `outputs` phi(..) and the `slopes` phi' (N, K, H), the `largest_slope` that phi can have, and the
        spectral `radius` and `norm` of the recurrent weights (`unroll.layers.activations.Activations`).
        """


class Saved(Protocol):
    """What every `Model` can do in addition to its contract."""

    @property
    def parameters(self) -> int:
        """The number of free parameters, by the formula of the family: the size of its arrays does not matter.

        A distribution over n outcomes has n - 1 free parameters, since its probabilities sum to one. `<pad>` and
        `<bos>` are no outcomes. A weight that is used twice counts once. Settings that are chosen before the training
        do not count, except for those of the cache.
        """

    @property
    def fitted_on_valid(self) -> tuple[str, ...]:
        """What the training fitted or selected on the valid split, such as "mixture weights"; empty for nothing.

        If it is not empty, the perplexity of the valid split is in-sample: lower than that of other text.
        """

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`. `load(path)` of its family returns an equal model."""


class Member(LanguageModel[State], Saved, Protocol[State]):
    """A language model that is part of another model, and saved with it."""


def log_probs_by_stepping(model: LanguageModel[Any], documents: Sequence[Ids]) -> list[LogProbs]:
    """Compute `log_probs` by `start`, `advance` and `next_log_probs`, for families without a faster method.

    Args:
        model: The language model.
        documents: Arrays of token ids.

    Returns:
        For each document, the log-probability of every token (natural logarithm).
    """
    results: list[LogProbs] = []
    for document in documents:
        state, scores = model.start(1), np.empty(len(document))
        for position, token in enumerate(document):
            scores[position] = model.next_log_probs(state)[0, token]
            state = model.advance(state, np.asarray([token]))
        results.append(scores)
    return results
