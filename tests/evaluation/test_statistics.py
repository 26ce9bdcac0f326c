"""Intervals and tests: known answers, and error rates on simulated texts."""

import math

import numpy as np
import pytest

from unroll.evaluation.statistics import adjust_holm, block_sums, compare, estimate
from unroll.params.evaluate import Statistics

PARAMS = Statistics(block=500, resamples=1000, confidence=0.95)


def text(tokens: int, generator: np.random.Generator) -> np.ndarray:
    """Correlated losses, like those of a real text: they contain the effects of topics of 100 tokens."""
    topics = np.repeat(generator.normal(size=tokens // 100 + 1), 100)[:tokens]
    return np.maximum(0, 4 + topics + 2 * generator.normal(size=tokens))


def test_a_model_against_itself_is_no_difference() -> None:
    losses = text(20_000, np.random.default_rng(1))
    result = compare(losses, losses, PARAMS, seed=1)
    assert (result.mean, result.low, result.high, result.p) == (0, 0, 0, 1)


def test_two_seeds_of_one_model_rarely_differ_significantly() -> None:
    """Of 200 pairs on different texts, with independent noise by block and token, at most 7 % have p < 0.05."""
    errors = outside = 0
    for pair in range(200):
        generator = np.random.default_rng(pair)
        losses = text(30_000, generator)
        one, other = (
            losses + np.repeat(generator.normal(0, 0.05, 300), 100) + generator.normal(0, 0.3, 30_000) for _ in "12"
        )
        result = compare(one, other, PARAMS, seed=1)
        errors += result.p < 0.05
        outside += not result.low <= 0 <= result.high
    assert errors <= 14
    assert outside <= 20


def test_a_true_difference_of_two_percent_on_80_000_tokens_is_significant() -> None:
    """The perplexity is 2 % higher, with noise like that between two models."""
    for seed in range(5):
        generator = np.random.default_rng(seed)
        losses = text(80_000, generator)
        one = losses + np.repeat(generator.normal(0, 0.05, 800), 100) + generator.normal(0, 0.5, 80_000)
        other = losses + math.log(1.02) + generator.normal(0, 0.5, 80_000)
        result = compare(other, one, PARAMS, seed=1)
        assert result.p < 0.01
        assert 0 < result.low < result.high
        assert result.mean == pytest.approx(math.log(1.02), abs=0.012)


def test_the_interval_of_independent_values_is_the_normal_one() -> None:
    """For independent values the interval is mean -+ 1.96 deviations / sqrt(n)."""
    values = np.random.default_rng(1).normal(3, 1, 100_000)
    result = estimate(values, PARAMS, seed=1)
    assert result.mean == pytest.approx(values.mean())
    assert result.high - result.low == pytest.approx(2 * 1.96 / math.sqrt(100_000), rel=0.15)


def test_the_last_block_takes_the_remaining_values() -> None:
    totals, tokens = block_sums(np.arange(1, 1701.0), 500)
    assert tokens.tolist() == [500, 500, 700]
    assert totals.sum() == 1700 * 1701 / 2
    assert block_sums(np.ones(7), 500)[1].tolist() == [7]


def test_infinite_losses_are_not_tested() -> None:
    one, other = np.array([1.0, np.inf]), np.array([1.0, 2.0])
    assert compare(one, other, PARAMS, seed=1).mean == math.inf
    assert compare(other, one, PARAMS, seed=1).mean == -math.inf
    assert compare(one, one, PARAMS, seed=1).p == 1
    assert estimate(one, PARAMS, seed=1).high == math.inf


def test_holms_worked_example() -> None:
    """p = 0.01, 0.04, 0.03, 0.005: adjusted 0.03, 0.06, 0.06, 0.02."""
    assert adjust_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_holm([0.9, 0.8]) == [1, 1]
    assert adjust_holm([]) == []
