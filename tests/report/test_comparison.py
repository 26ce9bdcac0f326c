"""A model is better only if another text and other seeds agree."""

import math
from pathlib import Path

import numpy as np
import pytest

from tests.report.findings import STATISTICS
from unroll.evaluation.statistics import Difference, Estimate
from unroll.params.load import load
from unroll.report import comparison
from unroll.report.comparison import Pair, between_seeds, compare_pairs


def pair(p: float, seeds: tuple[float, float] | None) -> Pair:
    interval = Estimate(0.1, *seeds) if seeds else None
    return Pair("a", "b", Difference(0.1, 0.05, 0.15, p), p, 0.05, interval)


@pytest.mark.parametrize(
    ("p", "seeds", "verdict"),
    [
        (0.01, (0.02, 0.18), "better"),
        (0.01, (-0.02, 0.22), "borderline"),
        (0.30, (0.02, 0.18), "borderline"),
        (0.30, (-0.02, 0.22), "not distinguishable"),
        (0.01, (-0.3, -0.1), "borderline"),
        (0.01, None, "better with one seed"),
        (0.30, None, "not distinguishable"),
    ],
)
def test_better_needs_both_intervals(p: float, seeds: tuple[float, float] | None, verdict: str) -> None:
    assert pair(p, seeds).verdict == verdict


@pytest.mark.parametrize(
    ("p", "seeds", "ending"),
    [
        (0.01, (-0.3, -0.1), "-0.3000 – -0.1000: other seeds disagree |"),
        (0.01, (-0.02, 0.22), "-0.0200 – 0.2200 |"),
        (0.30, (0.02, 0.18), "0.0200 – 0.1800 |"),
    ],
)
def test_the_table_says_why_a_pair_is_borderline(p: float, seeds: tuple[float, float], ending: str) -> None:
    (table,) = comparison.to_markdown({"words": [pair(p, seeds)]}, [], 0.95)
    assert "p (Holm) is not below 0.05, or the interval for other seeds is not above zero" in table
    assert table.splitlines()[-1].endswith(ending)


def test_the_interval_between_seeds_is_that_of_welch() -> None:
    means = {"a": [4.0, 4.1, 4.2], "b": [4.3, 4.5], "c": [4.35]}
    found = between_seeds("a", "b", means, ["a", "b"], 0.95)
    assert found is not None
    # By hand: the variances of the means are 0.01 / 3 and 0.02 / 2. With 1.7 degrees of freedom t is above 4.30.
    spread = 0.01 / 3 + 0.02 / 2
    freedom = spread**2 / ((0.01 / 3) ** 2 / 2 + 0.01**2 / 1)
    assert found.mean == pytest.approx(0.3)
    assert (found.high - found.low) / 2 / math.sqrt(spread) > 4.30
    assert freedom == pytest.approx(1.684, abs=0.001)
    one = between_seeds("a", "c", means, ["a"], 0.95)
    assert one is not None
    assert one.mean == pytest.approx(0.25)
    assert one.high - one.mean == pytest.approx(4.3027 * math.sqrt(0.01 / 3), rel=1e-4)  # t with 2 degrees of freedom


def test_a_model_without_a_random_start_has_no_variance_and_an_unknown_one_has_no_interval() -> None:
    means = {"ngram": [4.0], "count": [4.2], "network": [4.1]}
    assert between_seeds("ngram", "count", means, [], 0.95) == Estimate(*[pytest.approx(0.2)] * 3)
    assert between_seeds("ngram", "network", means, ["network"], 0.95) is None


def test_a_difference_that_is_smaller_than_that_of_seeds_is_borderline() -> None:
    text = np.random.default_rng(1).gamma(2.0, size=4000)
    losses = {"a": text, "a_2": text + 0.4, "a_3": text + 0.1, "b": text + 0.2}
    (found,) = compare_pairs(["a", "b"], losses, STATISTICS, 1, {"a": ["a", "a_2", "a_3"]}, ["a"])
    assert found.p < found.alpha
    assert found.verdict == "borderline"
    row = comparison.to_csv({"words": [found]}).splitlines()[1].split(",")
    assert dict(zip(comparison.COLUMNS, row, strict=True))["verdict"] == "borderline"
    table = comparison.to_markdown({"words": [found]}, [], 0.95)[0]
    assert "| `a`, `b` | 0.2000 |" in table
    assert comparison.to_markdown({"words": []}, [], 0.95) == []


def test_networks_and_hidden_markov_models_depend_on_the_seed() -> None:
    random = load(Path(__file__).parents[2] / "params.yaml").random
    assert {"lstm", "hmm", "kneser5_lstm", "lstm_2"} <= random
    assert not {"trigram", "kneser5", "oracle", "naive_bayes"} & random
