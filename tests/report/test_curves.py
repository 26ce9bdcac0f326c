"""The learning curves that stage train writes."""

from pathlib import Path

from unroll.report import curves


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
