"""Intervals and tests: known answers, and how often they err on simulated texts."""

import math

import numpy as np
import pytest

from unroll.evaluation.statistics import compare, estimate, holm, sums
from unroll.params.evaluate import Statistics

PARAMS = Statistics(block=500, resamples=1000, confidence=0.95)


def text(tokens: int, generator: np.random.Generator) -> np.ndarray:
    """Losses of which neighbours are alike, as those of a real text: half of it is a topic that lasts 100 tokens."""
    topics = np.repeat(generator.normal(size=tokens // 100 + 1), 100)[:tokens]
    return np.maximum(0, 4 + topics + 2 * generator.normal(size=tokens))


def test_a_model_against_itself_is_no_difference() -> None:
    losses = text(20_000, np.random.default_rng(1))
    found = compare(losses, losses, PARAMS, seed=1)
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_two_seeds_of_one_model_are_rarely_called_different() -> None:
    """200 pairs on texts of their own, each with its own noise by block and token: at most 7 % below 0.05."""
    errors = outside = 0
    for pair in range(200):
        generator = np.random.default_rng(pair)
        losses = text(30_000, generator)
        one, other = (
            losses + np.repeat(generator.normal(0, 0.05, 300), 100) + generator.normal(0, 0.3, 30_000) for _ in "12"
        )
        found = compare(one, other, PARAMS, seed=1)
        errors += found.p < 0.05
        outside += not found.low <= 0 <= found.high
    assert errors <= 14
    assert outside <= 20


def test_a_true_difference_of_two_percent_on_80_000_tokens_is_found() -> None:
    """Perplexity 2 % higher, and noise as between two models."""
    for seed in range(5):
        generator = np.random.default_rng(seed)
        losses = text(80_000, generator)
        one = losses + np.repeat(generator.normal(0, 0.05, 800), 100) + generator.normal(0, 0.5, 80_000)
        other = losses + math.log(1.02) + generator.normal(0, 0.5, 80_000)
        found = compare(other, one, PARAMS, seed=1)
        assert found.p < 0.01
        assert 0 < found.low < found.high
        assert found.mean == pytest.approx(math.log(1.02), abs=0.012)


def test_the_interval_holds_the_mean_as_often_as_it_says() -> None:
    """Of independent values by block the interval is the normal one: mean -+ 1.96 deviations / sqrt(n)."""
    values = np.random.default_rng(1).normal(3, 1, 100_000)
    found = estimate(values, PARAMS, seed=1)
    assert found.mean == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 / math.sqrt(100_000), rel=0.15)


def test_blocks_are_whole_and_leave_nothing_over() -> None:
    totals, tokens = sums(np.arange(1, 1701.0), 500)
    assert tokens.tolist() == [500, 500, 700]
    assert totals.sum() == 1700 * 1701 / 2
    assert sums(np.ones(7), 500)[1].tolist() == [7]


def test_what_is_impossible_is_not_tested() -> None:
    one, other = np.array([1.0, np.inf]), np.array([1.0, 2.0])
    assert compare(one, other, PARAMS, seed=1).mean == math.inf
    assert compare(other, one, PARAMS, seed=1).mean == -math.inf
    assert compare(one, one, PARAMS, seed=1).p == 1
    assert estimate(one, PARAMS, seed=1).high == math.inf


def test_holms_worked_example() -> None:
    """p = 0.01, 0.04, 0.03, 0.005: adjusted 0.03, 0.06, 0.06, 0.02."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []
