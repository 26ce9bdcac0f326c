"""Confidence intervals and significance tests for losses, over blocks of the test text.

The losses of neighbouring tokens are not independent. The unit of resampling is therefore a block of consecutive tokens
that is longer than the dependence between them. Models are compared on the same tokens, block by block, so that the
variance that they share cancels.

Intervals are bootstrap intervals (Efron and Tibshirani 1993) over blocks (Künsch 1989). The test is a permutation test:
the losses of two models are exchanged at random within each block (Fisher 1935; Koehn 2004 for translation). Several
tests are corrected by the method of Holm (1979).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.params.evaluate import Statistics

Floats = NDArray[np.float64]
ELEMENTS = 1 << 21
"""The number of elements (resamples x blocks) that are drawn at once. It bounds memory."""


@dataclass(frozen=True)
class Estimate:
    """A mean over tokens with its confidence interval, in the unit of the values."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference(Estimate):
    """The difference between the mean losses of two models on the same tokens."""

    p: float
    """The p value: how often a difference is as large when the models are exchanged at random in each block."""


def block_sums(values: Floats, size: int) -> tuple[Floats, Floats]:
    """Sum consecutive values in blocks.

    Args:
        values: Values (T,).
        size: The number of values in a block. The last block also takes the remaining values, so no block is shorter
            unless there is only one.

    Returns:
        The sum of each block (B,), and its number of values (B,).
    """
    starts = np.arange(max(1, len(values) // size)) * size
    return np.add.reduceat(values, starts), np.diff(starts, append=len(values)).astype(np.float64)


def estimate(values: Floats, params: Statistics, seed: int) -> Estimate:
    """Estimate a mean and its percentile interval by resampling blocks.

    Args:
        values: Values (T,) in the order of the text.
        params: The size of a block, the number of resamples and the confidence level.
        seed: The random seed.

    Returns:
        The mean with its interval. If the mean is infinite or NaN, so are the ends of the interval.
    """
    mean = _mean(values)
    if not math.isfinite(mean):
        return Estimate(mean, mean, mean)
    sums, tokens = block_sums(np.asarray(values, np.float64), params.block)
    return _intervals([mean], [sums], tokens, params, seed)[0]


def compare(one: Floats, other: Floats, params: Statistics, seed: int) -> Difference:
    """Compare the losses of two models on the same tokens.

    Args:
        one: The losses (T,) of one model in the order of the text.
        other: The losses (T,) of the other model.
        params: The size of a block, the number of resamples and the confidence level.
        seed: The random seed.

    Returns:
        The mean of one - other with its interval and p value. If a loss is infinite, there is nothing to test, and
        p is 1. The difference is infinite if only one model has an infinite loss, and 0 if both have.
    """
    return compare_all([(one, other)], params, seed)[0]


def compare_all(pairs: Iterable[tuple[Floats, Floats]], params: Statistics, seed: int) -> list[Difference]:
    """Compare pairs of models on the same tokens. The resamples are the same for all pairs, and are drawn once.

    Args:
        pairs: The losses (T,) of the two models of each pair.
        params: The size of a block, the number of resamples and the confidence level.
        seed: The random seed.

    Returns:
        What `compare` returns for each pair.
    """
    results: dict[int, Difference] = {}
    means, sums, tokens = dict[int, float](), list[Floats](), np.empty(0)
    for number, (one, other) in enumerate(pairs):
        infinite = [not np.isfinite(losses).all() for losses in (one, other)]
        if any(infinite) or not len(one):
            mean = 0.0 if all(infinite) else _mean(one) - _mean(other)
            results[number] = Difference(mean, mean, mean, 1.0)
            continue
        values = np.subtract(one, other, dtype=np.float64)
        total, tokens = block_sums(values, params.block)
        means[number] = _mean(values)
        sums.append(total)
    intervals = _intervals([*means.values()], sums, tokens, params, seed)
    for number, interval, p in zip(means, intervals, _permutation_ps(sums, tokens, params, seed), strict=True):
        results[number] = Difference(interval.mean, interval.low, interval.high, p)
    return [results[number] for number in range(len(results))]


def adjust_holm(ps: Sequence[float]) -> list[float]:
    """Adjust the p values of several tests by the method of Holm (1979).

    Args:
        ps: The p value of each test.

    Returns:
        The adjusted p values in the same order. If those below a are called significant, the probability of at least
        one false positive is at most a.
    """
    adjusted, largest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(np.argsort(ps)):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = largest
    return adjusted


def _mean(values: Floats) -> float:
    """Return the mean of values (T,), which is NaN without values."""
    return float(np.mean(values, dtype=np.float64)) if len(values) else math.nan


def _intervals(
    means: Sequence[float], sums: Sequence[Floats], tokens: Floats, params: Statistics, seed: int
) -> list[Estimate]:
    """Return the percentile interval of each mean, given the sums (B,) of its blocks and their tokens (B,)."""
    if not means:
        return []
    generator, blocks = np.random.default_rng([seed, 0]), len(tokens)
    shares = np.full(blocks, 1 / blocks)
    resampled = np.empty((len(sums), params.resamples))
    for part in _parts(params.resamples, blocks):
        # The number of times that each block is in each resample, (r, B).
        weights = generator.multinomial(blocks, shares, part.stop - part.start).astype(np.float64)
        totals = weights @ tokens
        for row, own in zip(resampled, sums, strict=True):
            row[part] = (weights @ own) / totals
    # The variance of n resampled blocks is that of n - 1: this factor makes it unbiased, which matters for few blocks.
    stretch = math.sqrt(blocks / max(1, blocks - 1))
    levels = [(1 - params.confidence) / 2, (1 + params.confidence) / 2]
    results = []
    for mean, row in zip(means, resampled, strict=True):
        low, high = np.quantile(mean + stretch * (row - mean), levels)
        results.append(Estimate(mean, float(low), float(high)))
    return results


def _permutation_ps(sums: Sequence[Floats], tokens: Floats, params: Statistics, seed: int) -> list[float]:
    """Return the p value of the mean of paired differences for each of the sums (B,) of their blocks."""
    generator, blocks = np.random.default_rng([seed, 1]), len(tokens)
    extreme = [0] * len(sums)
    for part in _parts(params.resamples, blocks) if sums else []:
        # The sign of each block in each permutation, (r, B): -1 if the two models are exchanged.
        signs = generator.choice([-1.0, 1.0], size=(part.stop - part.start, blocks))
        for index, own in enumerate(sums):
            # A matrix product rounds differently from a sum, so equal values may differ slightly.
            extreme[index] += int((np.abs(signs @ own) >= abs(own.sum()) * (1 - 1e-12)).sum())
    return [(1 + count) / (1 + params.resamples) for count in extreme]


def _parts(resamples: int, blocks: int) -> Iterator[slice]:
    """Yield the resamples in parts that bound memory.

    A generator draws the same numbers in parts as at once. Each part but the last has a multiple of 16 rows, since the
    products of numpy take the rows in groups: the bits of a row depend on its place in a group.
    """
    rows = ELEMENTS // blocks
    rows = rows // 16 * 16 or max(1, rows)
    for first in range(0, resamples, rows):
        yield slice(first, min(first + rows, resamples))
