"""The learning curves that stage train writes."""

import math
from pathlib import Path

import pandas as pd

from unroll.report import curves
from unroll.report.figures import draw_learning_curves


def test_values_that_were_not_measured_are_absent(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_text("step,epoch,train_loss,valid_loss\n5,0.5,4.0,\n10,1.0,3.5,3.7\n", encoding="utf-8")
    rows = curves.read(path)
    assert rows[0] == {"step": 5, "epoch": 0.5, "train_loss": 4.0}
    assert curves.points(rows, "train_loss") == [(0.5, 4.0), (1.0, 3.5)]
    assert curves.points(rows, "valid_loss") == [(1.0, 3.7)]


def test_a_model_without_steps_has_no_points(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    path.write_text("step\n", encoding="utf-8")
    assert curves.points(curves.read(path), "train_loss") == []
    assert curves.gradient_norms({"unigram": curves.read(path)}) == {}


def test_losses_that_are_missing_or_not_finite_are_not_drawn() -> None:
    """Without points, matplotlib would plot the letters of the style `o`."""
    results = pd.DataFrame({"model": ["a", "b", "c"], "tokenizer": "words"})
    step = {"step": 1.0, "epoch": 1.0, "train_loss": 4.0}
    rows = {"a": [step], "b": [step | {"valid_loss": math.inf}], "c": [step | {"valid_loss": 3.0}]}
    (axes,) = draw_learning_curves(results, rows).axes
    drawn = [(line.get_linestyle(), line.get_marker(), list(line.get_ydata())) for line in axes.get_lines()]
    assert drawn == [("-", "None", [4.0])] * 3 + [("None", "o", [3.0])]
