"""The true source of a sampled corpus (markov, hmm, pcfg) as a model: its cross-entropy is the floor under all others.

`of` reads the parameters that were saved beside the sampled text and finds each symbol's id with the tokenizer. Every
log-probability is exact: the chain's own rows, the forward algorithm, prefix probabilities. Symbols that the vocabulary
lacks are <unk>, whose probability is the sum of theirs.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from unroll.corpora.sampled import ARRAYS_FILE, SETTINGS_FILE
from unroll.errors import UnrollError
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs, log_probs_by_stepping
from unroll.models.oracle.chains import Hmm, Markov
from unroll.models.oracle.grammar import Grammar
from unroll.models.oracle.params import OracleParams
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import EOS, UNK

Process = Markov | Hmm | Grammar

_STATES = 2048
"""Contexts a Markov chain may have to be scored as a hidden Markov model."""


class Vocabulary(Protocol):
    """What is asked of a tokenizer."""

    @property
    def vocabulary_size(self) -> int: ...

    def encode(self, text: str) -> list[int]: ...


class Model:
    """A known process over the vocabulary: `ids` (M,) is the id of each of its symbols."""

    def __init__(self, process: Process, ids: Ids, vocabulary_size: int, params: Mapping[str, Any]) -> None:
        self.process: Any = process
        self.ids = np.asarray(ids, dtype=np.int64)
        self.vocabulary_size = vocabulary_size
        self.params = dict(params)
        self.codes = np.full(vocabulary_size, -1)  # from ids to symbols
        self.codes[self.ids] = np.arange(process.symbols)
        self.codes[EOS] = process.symbols
        if not isinstance(process, Grammar):  # whose predictions further ahead have no closed form here
            self.k_step_log_probs = self._k_step_log_probs

    def start(self, batch_size: int = 1) -> Any:
        return self.process.start(batch_size)

    def advance(self, state: Any, tokens: Ids) -> Any:
        """A token that cannot come, and anything after <eos>, leaves the state as it was."""
        return self.process.advance(state, self.codes[np.asarray(tokens)])

    def next_log_probs(self, state: Any) -> LogProbs:
        return self._of_ids(self.process.next_log_probs(state))

    def _k_step_log_probs(self, state: Any, steps: int) -> LogProbs:
        """log p(x_t+k | x_1..t) for k = 1 .. steps, shape (steps, B, V), where `<eos>` is followed by `<eos>` alone."""
        return self._of_ids(self.process.k_step_log_probs(state, steps))

    def _of_ids(self, values: LogProbs) -> LogProbs:
        """(..., M + 1) by symbol to (..., V) by id."""
        rows = np.full((*values.shape[:-1], self.vocabulary_size), -np.inf)
        rows[..., self.ids], rows[..., EOS] = values[..., :-1], values[..., -1]
        return rows

    def select(self, state: Any, rows: Ids) -> Any:
        return self.process.select(state, rows)

    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        coded = [self.codes[np.asarray(document, dtype=np.int64)] for document in documents]
        # The fast ways take documents that can be: every token a symbol, <eos> at the end if anywhere.
        plain = [bool((codes[:-1] < self.process.symbols).all() and (codes >= 0).all()) for codes in coded]
        results = self.process.log_probs(
            [codes if good else codes[:0] for codes, good in zip(coded, plain, strict=True)]
        )
        odd = [i for i, good in enumerate(plain) if not good or not np.isfinite(results[i][:-1]).all()]
        for i, scores in zip(odd, log_probs_by_stepping(self, [documents[i] for i in odd]), strict=True):
            results[i] = scores
        return results

    def save(self, path: Path) -> None:
        kind, numbers, arrays = _parts(self.process)
        saved = {"params": self.params, "kind": kind, "vocabulary_size": self.vocabulary_size, **numbers}
        storage.write(path, saved, {"ids": self.ids, **arrays})


def of(raw: Path, tokenizer: Vocabulary, params: Mapping[str, Any] | None = None) -> Model:
    """The source that the raw folder `raw` was sampled from, over the vocabulary of `tokenizer` (of level word)."""
    try:
        numbers = json.loads((raw / SETTINGS_FILE).read_text(encoding="utf-8"))
        arrays = load_file(raw / ARRAYS_FILE)
    except (OSError, ValueError) as error:
        raise UnrollError(
            f"{raw}: no source to read ({error}); family oracle needs a corpus of source markov, hmm or pcfg"
        ) from None
    found = [tokenizer.encode(f"w{symbol}") for symbol in range(numbers["symbols"])]
    if any(len(ids) != 1 for ids in found) or all(ids == [UNK] for ids in found):
        raise UnrollError(
            f"{raw}: its symbols w0, w1, ... are not words of the vocabulary; use a tokenizer of type word"
        )
    process, ids = _merged(_process(numbers["kind"], numbers, arrays), np.array([ids[0] for ids in found]), raw)
    return Model(process, ids, tokenizer.vocabulary_size, params or {"family": "oracle"})


def fit(params: OracleParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Make the oracle of a sampled corpus. It learns nothing.

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
    model = of(inputs.raw(params.corpus), inputs.tokenizer(params.tokenizer), params.model_dump())
    if model.vocabulary_size != data.vocabulary_size:
        raise UnrollError(
            f"oracles.*.tokenizer: the vocabulary of {data.name} has {data.vocabulary_size} tokens, its tokenizer "
            f"{model.vocabulary_size}; run `dvc repro`"
        )
    return model


def load(path: Path) -> Model:
    saved, arrays = storage.read_params(path), storage.read_weights(path)
    return Model(_process(saved["kind"], saved, arrays), arrays["ids"], saved["vocabulary_size"], saved["params"])


def _process(kind: str, numbers: Mapping[str, Any], arrays: Mapping[str, NDArray]) -> Process:
    match kind:
        case "markov":
            return Markov(arrays["transition"], numbers["order"], numbers["end"])
        case "hmm":
            return Hmm(arrays["initial"], arrays["transition"], arrays["emission"], numbers["end"])
        case _:
            return Grammar(arrays["binary"], arrays["emission"])


def _parts(process: Process) -> tuple[str, dict[str, Any], dict[str, NDArray]]:
    """What `_process` makes an equal process of."""
    match process:
        case Markov():
            return "markov", {"order": process.order, "end": process.end}, {"transition": process.transition}
        case Hmm():
            arrays = {"initial": process.initial, "transition": process.transition, "emission": process.emission}
            return "hmm", {"end": process.end}, arrays
        case Grammar():
            return "pcfg", {}, {"binary": process.binary, "emission": process.emission}


def _merged(process: Process, ids: Ids, raw: Path) -> tuple[Process, Ids]:
    """The process whose symbols of one id (those that are <unk>) are one symbol, and the ids without repetition."""
    if len(np.unique(ids)) == len(ids):
        return process, ids
    if isinstance(process, Markov):
        if len(process.transition) > _STATES:
            raise UnrollError(
                f"{raw}: the vocabulary lacks {int((ids == UNK).sum())} of its {len(ids)} symbols, and a chain of "
                f"{len(process.transition)} contexts is too large to sum over them; set tokenizers.*.min_count to 1"
            )
        process = process.hidden()
    kept, group = np.unique(ids, return_inverse=True)
    emission = np.zeros((len(process.emission), len(kept)))
    np.add.at(emission.T, group, process.emission.T)
    if isinstance(process, Hmm):
        return Hmm(process.initial, process.transition, emission, process.end), kept
    return Grammar(process.binary, emission), kept
