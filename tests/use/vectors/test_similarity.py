"""Similarity data sets: the formats of the usual ones, and the interval of the correlation."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from unroll.use.vectors.similarity import Comparison, Judgement, correlate, parse_judgements

JUDGEMENTS = [Judgement("tiger", "cat", 7.35), Judgement("stock", "jaguar", 0.92)]


@pytest.mark.parametrize(
    "text",
    [
        "Word 1,Word 2,Human (mean)\ntiger,cat,7.35\nstock,jaguar,0.92",  # WordSim-353
        "# a comment\ntiger\tcat\t7.35\nstock\tjaguar\t0.92",  # the parts of WordSim-353 for similarity
        "tiger cat 7.350000\nstock jaguar 0.920000",  # MEN
        "word1\tword2\tscore\ntiger\tcat\t7.35\nstock\tjaguar\t9.2e-1",
        "tiger ,cat, 7.35\nstock, jaguar ,.92",
    ],
)
def test_formats(text: str) -> None:
    assert parse_judgements(enumerate(text.split("\n"), 1), "f") == JUDGEMENTS


def test_words_with_spaces_need_another_separator() -> None:
    (one,) = parse_judgements([(1, "new york\tparis\t5")], "f")
    assert one == Judgement("new york", "paris", 5)


def comparisons(scores: list[float], values: list[float | None]) -> list[Comparison]:
    return [
        Comparison(Judgement(f"a{n}", f"b{n}", score), value, () if value is not None else (f"b{n}", "c"))
        for n, (score, value) in enumerate(zip(scores, values, strict=True))
    ]


def test_the_interval_covers_the_true_correlation_as_often_as_it_says() -> None:
    """Of bivariate normal samples, whose Spearman correlation is 6 / pi arcsin(rho / 2)."""
    generator, rho, covered = np.random.default_rng(1), 0.6, []
    true = 6 / math.pi * math.asin(rho / 2)
    for _ in range(400):
        x, noise = generator.normal(size=(2, 50))
        y = rho * x + math.sqrt(1 - rho**2) * noise
        found = correlate(comparisons(x.tolist(), y.tolist()), "cosine", 0.9)
        assert found.spearman == pytest.approx(spearmanr(x, y).statistic)
        covered.append(found.low <= true <= found.high)
    assert np.mean(covered) == pytest.approx(0.9, abs=0.04)


def test_unknown_words_are_counted_once() -> None:
    found = correlate(comparisons([1, 2, 3, 4, 5], [0.1, None, 0.3, None, 0.2]))
    assert (found.pairs, found.covered, found.unknown) == (5, 3, 3)
    assert found.spearman == pytest.approx(0.5)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_perfect_agreement() -> None:
    found = correlate(comparisons([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4]))
    assert (found.spearman, found.low, found.high) == (1, 1, 1)
    assert correlate(comparisons([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4]), "euclidean").spearman == pytest.approx(-1)
