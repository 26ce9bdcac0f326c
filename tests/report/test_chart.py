"""Charts, the diagram of the pipeline, pairs and the distance to the truth: known pictures and numbers."""

import math
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from tests.report.findings import STATISTICS, findings
from unroll.params.load import load
from unroll.report import chart, comparison, diagram, seeds

ROOT = Path(__file__).parents[2]


def test_an_axis_has_round_ticks_inside() -> None:
    assert chart.Axis(0, 10, 0, 100).ticks() == [0, 2, 4, 6, 8, 10]
    assert chart.Axis(0.13, 0.31, 0, 100).ticks() == pytest.approx([0.15, 0.2, 0.25, 0.3])
    assert chart.Axis(1, 64, 0, 100, log=True).ticks() == [1, 2, 4, 8, 16, 32, 64]
    assert chart.Axis(1, 64, 0, 60, log=True)(8) == "30.0"


def test_a_chart_of_nothing_is_nothing_and_names_are_escaped() -> None:
    assert chart.lines([], "x", "y") == ""
    drawn = chart.lines([chart.Series("<b>", 0, [(1, 2), (2, 3)], [0.1, 0.1])], "x", "y")
    assert "<b>" not in drawn
    assert "&lt;b&gt;: 3 at 2" in drawn


def test_the_diagram_is_the_pipeline_of_dvc() -> None:
    pipeline = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    params = load(ROOT / "params.yaml").model_dump()
    groups = {group.name: group for group in diagram.groups(pipeline, params)}
    assert groups["clean"].needs == {"download"}
    assert groups["partition"].needs == {"tokenize"}
    assert {"tokenize", "partition"} <= groups["train"].needs
    assert "train" in groups["mix"].needs
    assert {"train", "partition"} <= groups["evaluate"].needs
    assert {"evaluate", "evaluate_mixture", "evaluate_truth"} <= groups["report"].needs
    assert groups["train"].stages == list(params["models"])
    assert diagram.draw(list(groups.values())).count('class="node"') == len(groups)


def test_pairs_are_named_by_the_better_and_adjusted() -> None:
    found = comparison.pairs(
        ["truth", "lstm"], {n: findings().losses[n]["nats"] for n in ("truth", "lstm")}, STATISTICS, 1
    )
    (pair,) = found
    assert (pair.better, pair.worse) == ("truth", "lstm")
    assert 0 < pair.difference.low < pair.difference.mean < pair.difference.high
    assert pair.percent == pytest.approx(100 * (math.exp(pair.difference.mean) - 1))
    assert comparison.table({"words": found}).splitlines()[0] == ",".join(comparison.COLUMNS)


def test_the_luck_of_the_seed_is_apart_from_that_of_the_text() -> None:
    generator = np.random.default_rng(1)
    text = generator.gamma(2.0, size=2000)
    found = seeds.measure("a", ["a", "b", "c"], {"a": text, "b": text + 0.1, "c": text + 0.2}, STATISTICS, seed=1)
    assert found.between == pytest.approx(0.1)
    assert found.mean == pytest.approx(text.mean() + 0.1)
    assert found.text[0] < found.mean < found.text[1]
