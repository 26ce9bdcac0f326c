"""Can a difference between models be believed? Intervals and tests over blocks of the test text.

Losses of neighbouring tokens are not independent, so the unit is a block of tokens in a row, long enough to hold what
connects them. Models on the same text share its luck: they are compared block by block.

Bootstrap intervals: Efron and Tibshirani 1993, with blocks as in Kunsch 1989. Test: random exchange of the two models'
losses within a block (Fisher's permutation test; Koehn 2004 for translation). Several tests: Holm 1979.
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
    """A mean over tokens and the ends of its interval, in the unit of the values."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference(Estimate):
    """Of the mean losses of two models on the same tokens."""

    p: float
    """How often a difference as large comes about when the two are exchanged at random, block by block."""


def sums(values: Floats, size: int) -> tuple[Floats, Floats]:
    """(sum, tokens) of each block of `size` consecutive values, (B,) or (M, B) for values (M, T); the last block takes
    what is left over, so none is shorter than `size` unless there is one only."""
    starts = np.arange(max(1, values.shape[-1] // size)) * size
    return np.add.reduceat(values, starts, axis=-1), np.diff(starts, append=values.shape[-1]).astype(np.float64)


def estimate(values: Floats, params: Statistics, seed: int) -> Estimate:
    """The mean of values (T,) in the order of the text, and its percentile interval over resampled blocks."""
    return _estimate(values, params, seed)


def compare(one: Floats, other: Floats, params: Statistics, seed: int) -> Difference:
    """The mean of one - other, two models' losses of the same tokens (T,); what one of them holds impossible leaves
    nothing to test: an infinite difference with p = 1."""
    if not np.isfinite(one).all() or not np.isfinite(other).all():
        mean = (
            float(np.mean(one)) - float(np.mean(other)) if np.isfinite(one).all() != np.isfinite(other).all() else 0.0
        )
        return Difference(mean, mean, mean, 1.0)
    values = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    found = _estimate(values, params, seed)
    return Difference(found.mean, found.low, found.high, _exchange(values, params, seed))


def holm(ps: Sequence[float]) -> list[float]:
    """p values of several tests, adjusted: calling those below a significant errs in any of them at rate a at most."""
    order = np.argsort(ps, kind="stable")
    adjusted, largest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = largest
    return adjusted


def _estimate(values: Floats, params: Statistics, seed: int) -> Estimate:
    mean = float(np.mean(values, dtype=np.float64)) if len(values) else math.nan
    if not math.isfinite(mean):
        return Estimate(mean, mean, mean)
    totals, tokens = sums(np.asarray(values, np.float64), params.block)
    weights = _resampled(len(totals), params.resamples, seed)  # (R, B)
    # The spread of n resampled blocks is that of n - 1: stretched to be unbiased, which matters for few blocks.
    stretch = math.sqrt(len(totals) / (len(totals) - 1)) if len(totals) > 1 else 1.0
    means = mean + stretch * ((weights @ totals) / (weights @ tokens) - mean)
    low, high = np.quantile(means, [(1 - params.confidence) / 2, (1 + params.confidence) / 2])
    return Estimate(mean, float(low), float(high))


def _exchange(values: Floats, params: Statistics, seed: int) -> float:
    totals, _ = sums(values, params.block)
    signs = _signs(len(totals), params.resamples, seed)  # (R, B)
    # A hair's tolerance: the sum of the same numbers in the same order, but as a matrix product.
    extreme = np.abs(signs @ totals) >= abs(totals.sum()) * (1 - 1e-12)
    return (1 + int(extreme.sum())) / (1 + params.resamples)


@lru_cache(maxsize=4)  # all pairs of models on a text share them
def _resampled(blocks: int, resamples: int, seed: int) -> Floats:
    """How often each block is in each resample, (R, B)."""
    generator = np.random.default_rng([seed, 0])
    return generator.multinomial(blocks, np.full(blocks, 1 / blocks), size=resamples).astype(np.float64)


@lru_cache(maxsize=4)
def _signs(blocks: int, resamples: int, seed: int) -> Floats:
    return np.random.default_rng([seed, 1]).choice([-1.0, 1.0], size=(resamples, blocks))
