"""Texts from a language model, whatever its family: sampling and greedy search over the contract."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.models.base.protocol import LanguageModel, LogProbs
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import EOS


@dataclass(frozen=True)
class Truncation:
    """What is taken from a distribution before a token is drawn from it; the fields' defaults take nothing."""

    top_k: int = 0
    """Only the k most probable tokens (Fan, Lewis and Dauphin 2018); 0 is all."""
    nucleus: float = 1.0
    """Only the fewest tokens that together have this probability (Holtzman et al. 2020)."""
    repetition_penalty: float = 1.0
    """log p of a token that stands in the text already, times this (Keskar et al. 2019, on log p, which is <= 0)."""


WHOLE = Truncation()


def generate(
    model: LanguageModel[Any],
    state: Any,
    count: int,
    length: int,
    temperature: float,
    seed: int,
    truncation: Truncation = WHOLE,
    prompt: Sequence[int] | Ids = (),
) -> list[Ids]:
    """Continue the `count` contexts of `state` until `<eos>` or `length` tokens; the arrays hold no `<eos>`.

    Temperature divides the log-probabilities before sampling; 0 takes the most probable token (greedy search).
    `prompt` are the tokens that `state` has read: a repetition penalty counts them as part of the text.
    """
    generator = np.random.default_rng(seed)
    finished = np.zeros(count, dtype=bool)
    seen = np.zeros((count, model.vocabulary_size), dtype=bool)
    seen[:, np.asarray(prompt, dtype=np.int64)] = True
    steps: list[Ids] = []
    for _ in range(length):
        log_probs = truncated(model.next_log_probs(state), temperature, truncation, seen)
        tokens = np.where(finished, EOS, choose(log_probs, temperature, generator))
        seen[np.arange(count), tokens] = True
        steps.append(tokens)
        finished |= tokens == EOS
        if finished.all():
            break
        state = model.advance(state, tokens)
    columns = np.stack(steps) if steps else np.empty((0, count), dtype=np.int64)
    return [column[: _length(column)] for column in columns.T]


def choose(log_probs: Any, temperature: float, generator: np.random.Generator) -> Ids:
    """One token per row of (B, V) log-probabilities: p ~ exp(log_probs / temperature), the first token where the
    cumulative p passes a uniform number. One number a row: noise for each entry (Gumbel-max) took most of a step."""
    if temperature == 0:
        return np.argmax(log_probs, axis=1)
    cumulative = np.cumsum(_tempered(np.asarray(log_probs, np.float64), temperature), axis=1)
    whole = cumulative[:, -1]
    reached = np.minimum(generator.random(len(whole)) * whole, np.nextafter(whole, 0))  # rounding must not reach it
    return np.argmax(cumulative > reached[:, None], axis=1)


def truncated(log_probs: LogProbs, temperature: float, truncation: Truncation, seen: NDArray[np.bool_]) -> LogProbs:
    """(B, V) log-probabilities with -inf for what is taken away; rows no longer sum to one. The most probable token of
    a row always stays. The nucleus is that of the tempered distribution, which is what is drawn from."""
    if truncation.repetition_penalty != 1:
        log_probs = np.where(seen, log_probs * truncation.repetition_penalty, log_probs)
    if 0 < truncation.top_k < log_probs.shape[1]:
        least = np.partition(log_probs, -truncation.top_k, axis=1)[:, [-truncation.top_k]]
        log_probs = np.where(log_probs >= least, log_probs, -np.inf)
    if truncation.nucleus < 1 and temperature > 0:
        order = np.argsort(-log_probs, axis=1, kind="stable")
        sorted_p = np.take_along_axis(_tempered(log_probs, temperature), order, axis=1)
        before = np.cumsum(sorted_p, axis=1) - sorted_p  # mass of the tokens more probable than this one
        outside = before >= truncation.nucleus * sorted_p.sum(axis=1, keepdims=True)
        outside[:, 0] = False
        log_probs = log_probs.copy()
        rows, columns = np.nonzero(outside)
        log_probs[rows, order[rows, columns]] = -np.inf
    return log_probs


def _tempered(log_probs: LogProbs, temperature: float) -> LogProbs:
    """(B, V) p^(1 / temperature) over that of the row's most probable token; the coldest leave it alone."""
    with np.errstate(over="ignore"):
        return np.exp((log_probs - log_probs.max(axis=1, keepdims=True)) / temperature)


def read(model: LanguageModel[Any], tokens: Ids, count: int) -> Any:
    """The state of `count` equal contexts that have read `tokens` after `<bos>`."""
    state = model.start(1)
    for token in tokens:
        state = model.advance(state, np.asarray([token]))
    return model.select(state, np.zeros(count, dtype=np.int64))


def _length(column: Ids) -> int:
    ends = np.flatnonzero(column == EOS)
    return int(ends[0]) if len(ends) else len(column)
