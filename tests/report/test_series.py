"""The tables and the chart of series."""

import json
from pathlib import Path

from tests.report.findings import series_section
from unroll.report import series


def test_a_table_marks_the_lowest_errors_and_absent_steps() -> None:
    (section,) = series.to_markdown([series_section("wave")])
    assert section.startswith("## Series `wave`: k steps ahead\n\nFitted to 1,200 values")
    assert "| forecaster | family | RMSE k=1 | RMSE k=4 | MAE k=1 |" in section
    assert "| `oracle` | sine | 0.25 | 1 | 0.25 | 1 | 0.25 | 1 | 0 |" in section  # the oracle is not ranked
    assert "| `wave ar` | autoregression | **0.25** | – | **0.25** | – | **0.25** | – | 4 |" in section


def test_the_files_of_stage_forecast_are_read(tmp_path: Path) -> None:
    step = {"step": 1, "forecasts": 9, "rmse": 0.5, "mae": 0.4, "nll": 1.5, "within": 0.7}
    forecasters = {"persistence": {"family": "persistence", "parameters": 0, "steps": [step]}}
    metrics = {"steps": [1, 4], "train": 30, "valid": 10, "test": 10, "forecasters": forecasters}
    (tmp_path / "wave.json").write_text(json.dumps(metrics), encoding="utf-8")
    lines = ["forecaster,step,forecasts,rmse,mae,nll,within", "persistence,1,9,0.5,0.4,1.5,0.7"]
    lines.append("persistence,2,8,0.75,0.4,1.5,0.7")
    (tmp_path / "wave.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (wave,) = series.read(["wave"], tmp_path)
    assert wave.rows[0].errors == {("rmse", 1): 0.5, ("mae", 1): 0.4, ("nll", 1): 1.5}
    assert wave.curves == {"persistence": [(1, 0.5), (2, 0.75)]}
    assert wave.is_best(wave.rows[0], ("rmse", 1))
    assert not wave.is_best(wave.rows[0], ("rmse", 4))
    assert "persistence: 0.75 at 2" in wave.rmse
