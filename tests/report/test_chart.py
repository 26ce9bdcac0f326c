"""Charts, the diagram of the pipeline, comparisons and the distance to the oracle: known charts and numbers."""

import math
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.report.findings import STATISTICS, findings
from unroll.params.load import load
from unroll.report import chart, comparison, diagram

ROOT = Path(__file__).parents[2]


def test_an_axis_has_round_ticks_inside() -> None:
    assert chart.Axis(0, 10, 0, 100).ticks() == [0, 2, 4, 6, 8, 10]
    assert chart.Axis(0.13, 0.31, 0, 100).ticks() == pytest.approx([0.15, 0.2, 0.25, 0.3])
    assert chart.Axis(1, 64, 0, 100, log=True).ticks() == [1, 2, 4, 8, 16, 32, 64]
    assert chart.Axis(5, 7.5, 0, 100, log=True).ticks() == pytest.approx([5, 5.5, 6, 6.5, 7, 7.5])
    assert chart.Axis(3, 12, 0, 100, log=True).ticks() == [4, 8]
    assert chart.Axis(1, 64, 0, 60, log=True).pixel(8) == "30.0"


def test_a_chart_without_traces_is_empty_and_names_are_escaped() -> None:
    assert chart.draw_lines([], "x", "y") == ""
    drawn = chart.draw_lines([chart.Trace("<b>", 0, [(1, 2), (2, 3)], [0.1, 0.1])], "x", "y")
    assert "<b>" not in drawn
    assert "&lt;b&gt;: 3 at 2" in drawn


def test_the_diagram_shows_the_pipeline_of_dvc() -> None:
    pipeline = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    params = load(ROOT / "params.yaml").model_dump()
    groups = {group.name: group for group in diagram.read_groups(pipeline, params)}
    assert groups["clean"].needs == {"download"}
    assert groups["partition"].needs == {"tokenize"}
    assert {"tokenize", "partition"} <= groups["train"].needs
    assert "train" in groups["train_mixtures"].needs
    assert {"train", "partition"} <= groups["evaluate"].needs
    assert {"evaluate", "evaluate_mixtures", "evaluate_oracles"} <= groups["report"].needs
    assert groups["train"].stages == list(params["models"])
    assert diagram.draw(list(groups.values())).count('class="node"') == len(groups)


def test_pairs_name_the_better_model_first_and_are_adjusted() -> None:
    nll = {name: findings().losses[name]["nll"] for name in ("oracle", "lstm")}
    (pair,) = comparison.compare_pairs(["oracle", "lstm"], nll, STATISTICS, 1, {}, [])
    assert (pair.better, pair.worse) == ("oracle", "lstm")
    assert 0 < pair.difference.low < pair.difference.mean < pair.difference.high
    assert pair.percent == pytest.approx(100 * (math.exp(pair.difference.mean) - 1))
    assert comparison.to_csv({"words": [pair]}).splitlines()[0] == ",".join(comparison.COLUMNS)


def test_the_variance_between_seeds_is_separate_from_that_of_the_text() -> None:
    generator = np.random.default_rng(1)
    text = generator.gamma(2.0, size=2000)
    losses = {"a": text, "b": text + 0.1, "c": text + 0.2}
    variance = comparison.measure_seeds("a", ["a", "b", "c"], losses, STATISTICS, seed=1)
    assert variance.deviation == pytest.approx(0.1)
    assert variance.cross_entropy.mean == pytest.approx(text.mean() + 0.1)
    assert variance.cross_entropy.low < variance.cross_entropy.mean < variance.cross_entropy.high


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.12345, "0.123"),
        (999.6, "1e+03"),
        (1234.5, "1,234"),
        (2_500_000, "2,500,000"),
        (3e12, "3e+12"),
        (-4e9, "-4e+09"),
    ],
)
def test_numbers_are_short(value: float, shown: str) -> None:
    assert chart.format_number(value) == shown
