"""Intervals and tests: known answers, and error rates on simulated texts."""

import math
import tracemalloc

import numpy as np
import pytest

from unroll.evaluation import statistics
from unroll.evaluation.statistics import adjust_holm, block_sums, compare, compare_all, estimate
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


@pytest.mark.parametrize("blocks", [2, 3, 9, 121, 257])
def test_resamples_that_are_drawn_in_parts_are_those_that_are_drawn_at_once(
    blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of 16, 32, ... rows give the same bits, also where the last part is smaller."""
    values = np.random.default_rng(1).normal(3, 1, 10 * blocks)
    params = Statistics(block=10, resamples=1003, confidence=0.95)
    sums, tokens = block_sums(values, 10)
    weights = np.random.default_rng([7, 0]).multinomial(blocks, np.full(blocks, 1 / blocks), 1003).astype(float)
    means = values.mean() + math.sqrt(blocks / (blocks - 1)) * ((weights @ sums) / (weights @ tokens) - values.mean())
    signs = np.random.default_rng([7, 1]).choice([-1.0, 1.0], size=(1003, blocks))
    p = (1 + int((np.abs(signs @ sums) >= abs(sums.sum()) * (1 - 1e-12)).sum())) / 1004
    for elements in (16 * blocks, 40 * blocks, statistics.ELEMENTS):
        monkeypatch.setattr(statistics, "ELEMENTS", elements)
        found = compare(values, np.zeros_like(values), params, seed=7)
        assert [found.low, found.high, found.p] == [*np.quantile(means, [0.025, 0.975]), p]


def test_memory_does_not_grow_with_the_number_of_resamples() -> None:
    """Whole matrices of 10,000 blocks and 2,000 resamples would have 160 MB each."""
    values = np.random.default_rng(1).normal(3, 1, 100_000)
    tracemalloc.start()
    try:
        compare(values, values[::-1], Statistics(block=10, resamples=2000, confidence=0.95), seed=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100e6


def test_many_pairs_are_compared_as_each_pair_alone() -> None:
    generator = np.random.default_rng(1)
    a, b, c = (text(30_000, generator) for _ in "123")
    infinite = np.where(np.arange(30_000) == 5, np.inf, a)
    pairs = [(a, b), (infinite, a), (b, c), (infinite, infinite), (c, a)]
    assert compare_all(pairs, PARAMS, seed=3) == [compare(*pair, PARAMS, seed=3) for pair in pairs]
    assert compare_all([], PARAMS, seed=3) == []


def test_no_tokens_and_one_token() -> None:
    nothing, one = np.empty(0), np.array([2.0])
    assert math.isnan(estimate(nothing, PARAMS, seed=1).low)
    assert (math.isnan((empty := compare(nothing, nothing, PARAMS, seed=1)).mean), empty.p) == (True, 1)
    assert estimate(one, PARAMS, seed=1) == statistics.Estimate(2, 2, 2)
    assert compare(one, one / 2, PARAMS, seed=1) == statistics.Difference(1, 1, 1, 1)


def test_the_last_block_takes_the_remaining_values() -> None:
    totals, tokens = block_sums(np.arange(1, 1701.0), 500)
    assert tokens.tolist() == [500, 500, 700]
    assert totals.sum() == 1700 * 1701 / 2
    assert block_sums(np.ones(7), 500)[1].tolist() == [7]


def test_infinite_losses_are_not_tested() -> None:
    one, other = np.array([1.0, np.inf]), np.array([1.0, 2.0])
    assert compare(one, other, PARAMS, seed=1).mean == math.inf
    assert compare(other, one, PARAMS, seed=1).mean == -math.inf
    infinite = statistics.Difference(math.inf, math.inf, math.inf, 1)
    assert compare(one, other, PARAMS, seed=1) == infinite
    assert compare(one, one, PARAMS, seed=1) == statistics.Difference(0, 0, 0, 1)
    assert estimate(one, PARAMS, seed=1) == statistics.Estimate(math.inf, math.inf, math.inf)


def test_losses_of_single_precision_are_those_of_double_precision() -> None:
    """Sums of float32 values would have about 7 digits, and their differences fewer."""
    one, other = (text(30_000, np.random.default_rng(seed)).astype(np.float32) for seed in (1, 2))
    wide, other_wide = one.astype(np.float64), other.astype(np.float64)
    assert estimate(one, PARAMS, seed=1) == estimate(wide, PARAMS, seed=1)
    for pair in ((one, other), (one, other_wide), (wide, other)):
        assert compare(*pair, PARAMS, seed=1) == compare(wide, other_wide, PARAMS, seed=1)
    infinite = np.full(30_000, np.inf)
    assert compare(infinite, one, PARAMS, seed=1) == compare(infinite, wide, PARAMS, seed=1)


@pytest.mark.parametrize(
    ("elements", "blocks", "resamples", "parts"),
    [
        (1000, 25, 70, [32, 32, 6]),  # 40 rows fit, and 32 is the multiple of 16
        (1000, 20, 100, [48, 48, 4]),
        (1000, 62, 40, [16, 16, 8]),
        (1000, 100, 25, [10, 10, 5]),  # fewer than 16 rows fit
        (1000, 600, 3, [1, 1, 1]),
        (1000, 5000, 2, [1, 1]),  # not even one row fits
    ],
)
def test_parts_are_as_large_as_memory_allows(
    elements: int, blocks: int, resamples: int, parts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "ELEMENTS", elements)
    found = [range(resamples)[part] for part in statistics._parts(resamples, blocks)]
    assert [number for part in found for number in part] == [*range(resamples)]
    assert [*map(len, found)] == parts


def test_holms_worked_example() -> None:
    """p = 0.01, 0.04, 0.03, 0.005: adjusted 0.03, 0.06, 0.06, 0.02."""
    assert adjust_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_holm([0.9, 0.8]) == [1, 1]
    assert adjust_holm([0.02, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert adjust_holm([]) == []
