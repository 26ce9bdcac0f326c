"""Confidence intervals and significance tests for losses, over blocks of the test text.

The losses of neighbouring tokens are not independent. The unit of resampling is therefore a block of consecutive tokens
that is longer than the dependence between them. Models are compared on the same tokens, block by block, so that the
variance that they share cancels.

Intervals are bootstrap intervals (Efron and Tibshirani 1993) over blocks (Künsch 1989). The test is a permutation test:
the losses of two models are exchanged at random within each block (Fisher 1935; Koehn 2004 for translation). Several
tests are corrected by the method of Holm (1979).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unroll.params.evaluate import Statistics

Floats = NDArray[np.float64]


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
        values: Values (T,), or (M, T) for M models.
        size: The number of values in a block. The last block also takes the remaining values, so no block is shorter
            unless there is only one.

    Returns:
        The sum of each block, (B,) or (M, B), and its number of values (B,).
    """
    starts = np.arange(max(1, values.shape[-1] // size)) * size
    return np.add.reduceat(values, starts, axis=-1), np.diff(starts, append=values.shape[-1]).astype(np.float64)


def estimate(values: Floats, params: Statistics, seed: int) -> Estimate:
    """Estimate a mean and its percentile interval by resampling blocks.

    Args:
        values: Values (T,) in the order of the text.
        params: The size of a block, the number of resamples and the confidence level.
        seed: The random seed.

    Returns:
        The mean with its interval. If the mean is infinite or NaN, so are the ends of the interval.
    """
    mean = float(np.mean(values, dtype=np.float64)) if len(values) else math.nan
    if not math.isfinite(mean):
        return Estimate(mean, mean, mean)
    sums, tokens = block_sums(np.asarray(values, np.float64), params.block)
    weights = _bootstrap_weights(len(sums), params.resamples, seed)  # (R, B)
    # The variance of n resampled blocks is that of n - 1: this factor makes it unbiased, which matters for few blocks.
    stretch = math.sqrt(len(sums) / (len(sums) - 1)) if len(sums) > 1 else 1.0
    means = mean + stretch * ((weights @ sums) / (weights @ tokens) - mean)
    low, high = np.quantile(means, [(1 - params.confidence) / 2, (1 + params.confidence) / 2])
    return Estimate(mean, float(low), float(high))


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
    if not np.isfinite(one).all() or not np.isfinite(other).all():
        mean = (
            float(np.mean(one)) - float(np.mean(other)) if np.isfinite(one).all() != np.isfinite(other).all() else 0.0
        )
        return Difference(mean, mean, mean, 1.0)
    values = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    interval = estimate(values, params, seed)
    return Difference(interval.mean, interval.low, interval.high, _permutation_p(values, params, seed))


def adjust_holm(ps: Sequence[float]) -> list[float]:
    """Adjust the p values of several tests by the method of Holm (1979).

    Args:
        ps: The p value of each test.

    Returns:
        The adjusted p values in the same order. If those below a are called significant, the probability of at least
        one false positive is at most a.
    """
    order = np.argsort(ps, kind="stable")
    adjusted, largest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = largest
    return adjusted


def _permutation_p(values: Floats, params: Statistics, seed: int) -> float:
    """Return the p value of the mean of paired differences (T,)."""
    sums, _ = block_sums(values, params.block)
    signs = _permutation_signs(len(sums), params.resamples, seed)  # (R, B)
    # A matrix product rounds differently from a sum, so equal values may differ slightly.
    extreme = np.abs(signs @ sums) >= abs(sums.sum()) * (1 - 1e-12)
    return (1 + int(extreme.sum())) / (1 + params.resamples)


@lru_cache(maxsize=4)  # all pairs of models on a text use the same arrays
def _bootstrap_weights(blocks: int, resamples: int, seed: int) -> Floats:
    """Return the number of times that each block is in each resample, (R, B)."""
    generator = np.random.default_rng([seed, 0])
    return generator.multinomial(blocks, np.full(blocks, 1 / blocks), size=resamples).astype(np.float64)


@lru_cache(maxsize=4)
def _permutation_signs(blocks: int, resamples: int, seed: int) -> Floats:
    """Return the sign of each block in each permutation, (R, B): -1 if the two models are exchanged."""
    return np.random.default_rng([seed, 1]).choice([-1.0, 1.0], size=(resamples, blocks))
