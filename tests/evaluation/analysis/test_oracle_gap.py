"""The distance to the oracle: its unit, its expectation, and the groups of tokens by frequency."""

import math

import numpy as np
import pytest

from unroll.evaluation.analysis import oracle_gap
from unroll.params.evaluate import Statistics

STATISTICS = Statistics(block=50, resamples=200, confidence=0.95)


def test_excess_is_in_millibits() -> None:
    one, other = np.full(1000, 2.0), np.full(1000, 2.0 - math.log(2) / 1000)
    excess = oracle_gap.excess(one, other, STATISTICS, seed=1)
    assert excess.mean == pytest.approx(1)
    assert (excess.low, excess.high) == pytest.approx((1, 1))
    assert oracle_gap.expected_excess(200, 100) == pytest.approx(1000 / math.log(2))


def test_tokens_with_equal_counts_are_in_one_group() -> None:
    one, other = np.full(1000, 2.0), np.full(1000, 2.0 - math.log(2) / 1000)
    train_counts = np.repeat([1, 5, 9], [500, 400, 100])
    groups = oracle_gap.gain_by_frequency(one, other, train_counts, 10)
    assert [(g.min_count, g.max_count, g.tokens) for g in groups] == [(1, 1, 500), (5, 5, 400), (9, 9, 100)]
    assert sum(g.gain * g.tokens for g in groups) == pytest.approx(float((other - one).sum()))
