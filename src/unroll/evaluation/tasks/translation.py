"""Translations by a conditional model: beam search, sampling, and the scores of given targets."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation import beam
from unroll.evaluation.beam import Hypothesis
from unroll.evaluation.generation import UNCHANGED, SamplingOptions, generate
from unroll.models.base.protocol import AttentionModel, ConditionalModel, LogProbs
from unroll.params.evaluate import Search
from unroll.text.streams import Ids


def max_length(source: Ids, params: Search) -> int:
    """Return the maximum number of tokens of a translation."""
    return int(params.max_length_ratio * len(source)) + params.max_length_offset


def translate(
    model: ConditionalModel, sources: Sequence[Ids], batch_size: int, params: Search
) -> list[list[Hypothesis]]:
    """Translate by beam search.

    Args:
        model: The model.
        sources: Arrays of tokens without special tokens.
        batch_size: The number of sources of similar length that are searched together. It changes no result.
        params: The settings of the search. A beam of 1 is greedy search.

    Returns:
        For each source, its translations, best first.
    """
    results: list[list[Hypothesis]] = [[] for _ in sources]
    for rows in _batches(sources, batch_size):
        batch = [sources[row] for row in rows]
        limits = [max_length(source, params) for source in batch]
        for row, hypotheses in zip(rows, beam.search(model.condition_on(batch), limits, params), strict=True):
            results[row] = hypotheses
    return results


def sample(
    model: ConditionalModel,
    sources: Sequence[Ids],
    batch_size: int,
    params: Search,
    temperature: float,
    seed: int,
    options: SamplingOptions = UNCHANGED,
) -> list[Ids]:
    """Translate by sampling token by token.

    Args:
        model: The model.
        sources: Arrays of tokens without special tokens.
        batch_size: The number of sources of similar length that are translated together.
        params: The maximum length of a translation.
        temperature: The number by which log-probabilities are divided before sampling. 0 is greedy search.
        seed: The random seed.
        options: Changes to the distribution.

    Returns:
        A translation of each source, without `<eos>`.
    """
    results: list[Ids] = [np.empty(0, dtype=np.int64)] * len(sources)
    for number, rows in enumerate(_batches(sources, batch_size)):
        batch = [sources[row] for row in rows]
        conditional, limits = model.condition_on(batch), [max_length(source, params) for source in batch]
        state, count = conditional.start(len(batch)), len(batch)
        translations = generate(conditional, state, count, max(limits), temperature, seed + number, options)
        for row, tokens, limit in zip(rows, translations, limits, strict=True):
            results[row] = tokens[:limit]
    return results


def log_probs(
    model: ConditionalModel, sources: Sequence[Ids], targets: Sequence[Ids], batch_size: int
) -> list[LogProbs]:
    """Score targets, given their sources.

    Args:
        model: The model.
        sources: Arrays of tokens without special tokens.
        targets: The target of each source, with `<eos>`.
        batch_size: The number of pairs that are scored together.

    Returns:
        For each target, the log-probabilities of its tokens.
    """
    results: list[LogProbs] = [np.empty(0)] * len(targets)
    for rows in _batches(sources, batch_size):
        scores = model.condition_on([sources[row] for row in rows]).log_probs([targets[row] for row in rows])
        for row, own in zip(rows, scores, strict=True):
            results[row] = own
    return results


def _batches(sources: Sequence[Ids], batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Yield the indices of the sources in batches, shortest first."""
    order = np.argsort([len(source) for source in sources], kind="stable")
    for first in range(0, len(order), batch_size):
        yield order[first : first + batch_size]


def attention_weights(model: ConditionalModel, source: Ids, target: Ids) -> NDArray[np.floating] | None:
    """Return the weights of the source tokens in the prediction of each target token.

    Args:
        model: The model.
        source: The source (S - 1,), without special tokens.
        target: The target (T,).

    Returns:
        Weights (T, S), the last column those of the source's `<eos>`. None if the model has no attention.
    """
    if not isinstance(conditional := model.condition_on([source]), AttentionModel):
        return None
    decoder: Any = conditional
    state, rows = decoder.start(1), []
    for token in target:
        if (weights := decoder.attention(state)) is None:
            return None
        rows.append(weights[0])
        state = decoder.advance(state, np.asarray([token]))
    return np.stack(rows) if rows else None
