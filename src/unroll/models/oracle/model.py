"""The true distribution of a sampled corpus as a model. No model has a lower expected loss.

`from_corpus` reads the parameters that were saved with the sampled text, and finds the id of each symbol with the
tokenizer. Every log-probability is exact: by the transition matrix, the forward algorithm or prefix probabilities. The
probability of `<unk>` is the sum over the symbols that the vocabulary lacks.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from unroll.corpora.sampled import ARRAYS_FILE, SETTINGS_FILE, numbered
from unroll.errors import UnrollError
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs, log_probs_by_stepping
from unroll.models.oracle.chains import Hmm, Markov
from unroll.models.oracle.grammar import Grammar
from unroll.models.oracle.params import OracleParams
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import EOS, SPECIAL, UNK

Process = Markov | Hmm | Grammar

MAX_STATES = 2048
"""The maximum number of contexts of a Markov chain that is converted to a hidden Markov model."""


class Vocabulary(Protocol):
    """The part of a tokenizer that is needed."""

    @property
    def vocabulary_size(self) -> int:
        """The size of the vocabulary."""

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""


class Model:
    """The oracle. It satisfies LanguageModel and, except for grammars, KStepModel."""

    fitted_on_valid: tuple[str, ...] = ()

    def __init__(self, process: Process, ids: Ids, vocabulary_size: int, params: Mapping[str, Any]) -> None:
        """Set the process, the token id (M,) of each of its symbols, the size of the vocabulary, and the settings."""
        self.process: Any = process
        self.ids = np.asarray(ids, dtype=np.int64)
        self.vocabulary_size = vocabulary_size
        self.params = dict(params)
        self.codes = np.full(vocabulary_size, -1)  # from ids to symbols
        self.codes[self.ids] = np.arange(process.symbols)
        self.codes[EOS] = process.symbols
        if not isinstance(process, Grammar):  # there is no exact method for grammars here
            self.k_step_log_probs = self._k_step_log_probs

    @property
    def parameters(self) -> int:
        """The number of free parameters of the process that the corpus was sampled from."""
        return self.process.parameters

    def start(self, batch_size: int = 1) -> Any:
        """Return the state of `batch_size` contexts that have read only `<bos>`."""
        return self.process.start(batch_size)

    def advance(self, state: Any, tokens: Ids) -> Any:
        """Return the state after row b has read tokens[b]. Impossible tokens do not change the state."""
        return self.process.advance(state, self.codes[np.asarray(tokens)])

    def next_log_probs(self, state: Any) -> LogProbs:
        """Return log p(next token | context), (B, V)."""
        return self._by_token(self.process.next_log_probs(state))

    def _k_step_log_probs(self, state: Any, steps: int) -> LogProbs:
        """Return log p(x_{t+k} | x_1..x_t) for k = 1 .. steps, (steps, B, V). `<eos>` is followed by `<eos>`."""
        return self._by_token(self.process.k_step_log_probs(state, steps))

    def _by_token(self, values: LogProbs) -> LogProbs:
        """Spread the values (..., M + 1) of codes over the vocabulary (..., V)."""
        rows = np.full((*values.shape[:-1], self.vocabulary_size), -np.inf)
        rows[..., self.ids], rows[..., EOS] = values[..., :-1], values[..., -1]
        return rows

    def select(self, state: Any, rows: Ids) -> Any:
        """Return the state whose row i is row rows[i] of `state`."""
        return self.process.select(state, rows)

    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        """Return log p of every token given its context."""
        coded = [self.codes[np.asarray(document, dtype=np.int64)] for document in documents]
        # The fast methods need possible documents: every token is a symbol, and <eos> occurs only at the end.
        plain = [bool((codes[:-1] < self.process.symbols).all() and (codes >= 0).all()) for codes in coded]
        results = self.process.log_probs(
            [codes if good else codes[:0] for codes, good in zip(coded, plain, strict=True)]
        )
        odd = [i for i, good in enumerate(plain) if not good or not np.isfinite(results[i][:-1]).all()]
        for i, scores in zip(odd, log_probs_by_stepping(self, [documents[i] for i in odd]), strict=True):
            results[i] = scores
        return results

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`."""
        kind, numbers, arrays = _to_arrays(self.process)
        saved = {"params": self.params, "kind": kind, "vocabulary_size": self.vocabulary_size, **numbers}
        storage.write(path, saved, {"ids": self.ids, **arrays})


def from_corpus(raw: Path, tokenizer: Vocabulary, params: Mapping[str, Any] | None = None) -> Model:
    """Make the oracle of a sampled corpus.

    Args:
        raw: The folder of the raw corpus.
        tokenizer: A tokenizer of type word.
        params: The settings to save with the model.

    Returns:
        The oracle over the vocabulary of the tokenizer.

    Raises:
        UnrollError: The corpus is not a sampled one, or its symbols are not words of the vocabulary.
    """
    try:
        numbers = json.loads((raw / SETTINGS_FILE).read_text(encoding="utf-8"))
        arrays = load_file(raw / ARRAYS_FILE)
    except (OSError, ValueError) as error:
        raise UnrollError(
            f"{raw}: the parameters of the corpus are not readable ({error}); family oracle needs a corpus of "
            "source markov, hmm, pcfg or everyday-english"
        ) from None
    words = numbers.get("words") or numbered(numbers["vocabulary_size"])
    found = [tokenizer.encode(word) for word in words]
    if any(len(ids) != 1 for ids in found) or all(ids == [UNK] for ids in found):
        raise UnrollError(
            f"{raw}: its symbols {words[0]}, {words[1]}, ... are not words of the vocabulary; use a tokenizer of type "
            "word"
        )
    known = len({ids[0] for ids in found} - {UNK})
    if "words" in numbers and known < tokenizer.vocabulary_size - len(SPECIAL):
        raise UnrollError(
            f"{raw}: {tokenizer.vocabulary_size - len(SPECIAL) - known} words of the vocabulary are no symbols of the "
            "corpus; set lowercase: true for the corpus, and use a pretokenizer that separates punctuation"
        )
    process, ids = _merge_symbols(
        _from_arrays(numbers["kind"], numbers, arrays), np.array([ids[0] for ids in found]), raw
    )
    return Model(process, ids, tokenizer.vocabulary_size, params or {"family": "oracle"})


def fit(params: OracleParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Make the oracle of a sampled corpus. It is not trained.

    Args:
        params: The settings, which name the corpus and the tokenizer.
        data: The partition.
        inputs: Where the raw corpus and the tokenizer are found.
        log: Not used.

    Returns:
        The oracle.

    Raises:
        UnrollError: The corpus is not a sampled one, or its symbols are not words of the vocabulary.
    """
    model = from_corpus(inputs.raw(params.corpus), inputs.tokenizer(params.tokenizer), params.model_dump())
    if model.vocabulary_size != data.vocabulary_size:
        raise UnrollError(
            f"oracles.*.tokenizer: the vocabulary of {data.name} has {data.vocabulary_size} tokens, but its tokenizer "
            f"has {model.vocabulary_size}; run `dvc repro`"
        )
    return model


def load(path: Path) -> Model:
    """Load the model that `Model.save` wrote into the folder `path`."""
    saved, arrays = storage.read_params(path), storage.read_weights(path)
    return Model(_from_arrays(saved["kind"], saved, arrays), arrays["ids"], saved["vocabulary_size"], saved["params"])


def _from_arrays(kind: str, numbers: Mapping[str, Any], arrays: Mapping[str, NDArray]) -> Process:
    """Make a process from its kind, its numbers and its arrays."""
    match kind:
        case "markov":
            return Markov(arrays["transition"], numbers["order"], numbers["stop_probability"])
        case "hmm":
            return Hmm(arrays["initial"], arrays["transition"], arrays["emission"], numbers["stop_probability"])
        case _:
            if "binary" in arrays:
                return Grammar.from_dense(arrays["binary"], arrays["emission"])
            return Grammar(arrays["rules"], arrays["probabilities"], arrays["emission"])


def _to_arrays(process: Process) -> tuple[str, dict[str, Any], dict[str, NDArray]]:
    """Return the kind, the numbers and the arrays of a process, from which `_from_arrays` makes an equal one."""
    match process:
        case Markov():
            return (
                "markov",
                {"order": process.order, "stop_probability": process.stop_probability},
                {"transition": process.transition},
            )
        case Hmm():
            arrays = {"initial": process.initial, "transition": process.transition, "emission": process.emission}
            return "hmm", {"stop_probability": process.stop_probability}, arrays
        case Grammar():
            rules: dict[str, NDArray] = {"rules": process.rules, "probabilities": process.probabilities}
            return "pcfg", {}, rules | {"emission": process.emission}


def _merge_symbols(process: Process, ids: Ids, raw: Path) -> tuple[Process, Ids]:
    """Merge the symbols that have the same id, which is that of `<unk>`.

    Args:
        process: The process.
        ids: The id of each of its symbols (M,).
        raw: The folder of the raw corpus, for the error.

    Returns:
        The process over the merged symbols, and their distinct ids.

    Raises:
        UnrollError: The process is a Markov chain with too many contexts.
    """
    if len(np.unique(ids)) == len(ids):
        return process, ids
    if isinstance(process, Markov):
        if len(process.transition) > MAX_STATES:
            raise UnrollError(
                f"{raw}: the vocabulary lacks {int((ids == UNK).sum())} of its {len(ids)} symbols, and a chain of "
                f"{len(process.transition)} contexts is too large to sum over them; set tokenizers.*.min_count to 1"
            )
        process = process.to_hmm()
    kept, group = np.unique(ids, return_inverse=True)
    emission = np.zeros((len(process.emission), len(kept)))
    np.add.at(emission.T, group, process.emission.T)
    if isinstance(process, Hmm):
        return Hmm(process.initial, process.transition, emission, process.stop_probability), kept
    return Grammar(process.rules, process.probabilities, emission), kept
