"""Translations by a ConditionalModel: searched or sampled."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation import beam
from unroll.evaluation.beam import Hypothesis
from unroll.evaluation.generation import WHOLE, Truncation, generate
from unroll.models.base.protocol import ConditionalModel, LogProbs
from unroll.params.evaluate import Search
from unroll.text.streams import Ids


def longest(source: Ids, params: Search) -> int:
    """Tokens of a translation at most, so that no loop is endless."""
    return int(params.max_length_ratio * len(source)) + params.max_length_offset


def translate(
    model: ConditionalModel, sources: Sequence[Ids], batch_size: int, params: Search
) -> list[list[Hypothesis]]:
    """The best translations of each source (an array without special tokens), best first; beam 1 is greedy search.
    Sources of like length are searched together, which changes no result."""
    results: list[list[Hypothesis]] = [[] for _ in sources]
    for rows in _batches(sources, batch_size):
        batch = [sources[row] for row in rows]
        limits = [longest(source, params) for source in batch]
        for row, found in zip(rows, beam.search(model.condition_on(batch), limits, params), strict=True):
            results[row] = found
    return results


def sample(
    model: ConditionalModel,
    sources: Sequence[Ids],
    batch_size: int,
    params: Search,
    temperature: float,
    seed: int,
    truncation: Truncation = WHOLE,
) -> list[Ids]:
    """A translation of each source drawn from the model, token by token; temperature 0 is greedy search."""
    results: list[Ids] = [np.empty(0, dtype=np.int64)] * len(sources)
    for number, rows in enumerate(_batches(sources, batch_size)):
        batch = [sources[row] for row in rows]
        given, limits = model.condition_on(batch), [longest(source, params) for source in batch]
        drawn = generate(
            given, given.start(len(batch)), len(batch), max(limits), temperature, seed + number, truncation
        )
        for row, tokens, limit in zip(rows, drawn, limits, strict=True):
            results[row] = tokens[:limit]
    return results


def log_probs(
    model: ConditionalModel, sources: Sequence[Ids], targets: Sequence[Ids], batch_size: int
) -> list[LogProbs]:
    """log p of every token of each target given its source, a batch in memory at a time."""
    results: list[LogProbs] = [np.empty(0)] * len(targets)
    for rows in _batches(sources, batch_size):
        scores = model.condition_on([sources[row] for row in rows]).log_probs([targets[row] for row in rows])
        for row, own in zip(rows, scores, strict=True):
            results[row] = own
    return results


def _batches(sources: Sequence[Ids], batch_size: int) -> Iterator[NDArray[np.int64]]:
    order = np.argsort([len(source) for source in sources], kind="stable")
    for first in range(0, len(order), batch_size):
        yield order[first : first + batch_size]
