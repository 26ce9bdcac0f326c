"""Texts from a language model, whatever its family: sampling and greedy search over the contract."""

from typing import Any

import numpy as np

from unroll.models.protocol import LanguageModel
from unroll.partition import Ids
from unroll.text.vocabulary import EOS


def generate(
    model: LanguageModel[Any], state: Any, count: int, length: int, temperature: float, seed: int
) -> list[Ids]:
    """Continue the `count` contexts of `state` until `<eos>` or `length` tokens; the arrays hold no `<eos>`.

    Temperature divides the log-probabilities before sampling; 0 takes the most probable token (greedy search).
    """
    generator = np.random.default_rng(seed)
    finished = np.zeros(count, dtype=bool)
    steps: list[Ids] = []
    for _ in range(length):
        tokens = choose(model.next_log_probs(state), temperature, generator)
        tokens = np.where(finished, EOS, tokens)
        steps.append(tokens)
        finished |= tokens == EOS
        if finished.all():
            break
        state = model.advance(state, tokens)
    columns = np.stack(steps) if steps else np.empty((0, count), dtype=np.int64)
    return [column[: _length(column)] for column in columns.T]


def choose(log_probs: Any, temperature: float, generator: np.random.Generator) -> Ids:
    """One token per row of (B, V) log-probabilities: p ~ exp(log_probs / temperature), by the Gumbel-max rule."""
    if temperature == 0:
        return np.argmax(log_probs, axis=1)
    return np.argmax(log_probs / temperature + generator.gumbel(size=log_probs.shape), axis=1)


def read(model: LanguageModel[Any], tokens: Ids, count: int) -> Any:
    """The state of `count` equal contexts that have read `tokens` after `<bos>`."""
    state = model.start(1)
    for token in tokens:
        state = model.advance(state, np.asarray([token]))
    return model.select(state, np.zeros(count, dtype=np.int64))


def _length(column: Ids) -> int:
    ends = np.flatnonzero(column == EOS)
    return int(ends[0]) if len(ends) else len(column)
