"""The tables and the chart of series."""

import json
import re
from pathlib import Path

from tests.report.findings import series_section
from unroll.report import series
from unroll.report.series import Fan


def test_a_table_marks_the_lowest_errors_and_absent_steps() -> None:
    (section,) = series.to_markdown([series_section("wave")])
    assert section.startswith("## Series `wave`: k steps ahead\n\nFitted to 1,200 values")
    assert "Errors are those of wave level, flow together, standardised." in section
    assert "| forecaster | family | RMSE k=1 | RMSE k=4 | MAE k=1 |" in section
    assert "| `oracle` | sine | 0.25 | 1 | 0.25 | 1 | 0.25 | 1 | 0 |" in section  # the oracle is not ranked
    assert "| `wave ar` | autoregression | **0.25** | – | **0.25** | – | **0.25** | – | 4 |" in section


def test_the_files_of_stage_forecast_are_read(tmp_path: Path) -> None:
    step = {"step": 1, "forecasts": 9, "rmse": 0.5, "mae": 0.4, "nll": 1.5, "within": 0.7}
    forecasters = {"persistence": {"family": "persistence", "parameters": 0, "steps": [step]}}
    metrics = {"steps": [1, 4], "train": 30, "valid": 10, "test": 10, "forecasters": forecasters}
    for folder in ("series", "forecasts"):
        (tmp_path / folder).mkdir()
    (tmp_path / "series/wave.json").write_text(json.dumps(metrics), encoding="utf-8")
    lines = ["forecaster,step,forecasts,rmse,mae,nll,within", "persistence,1,9,0.5,0.4,1.5,0.7"]
    lines.append("persistence,2,8,0.75,0.4,1.5,0.7")
    (tmp_path / "series/wave.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    first = ["forecaster,column,step,position,value,mean,deviation", ",value,-2,38,1.0,,", ",value,-1,39,,,"]
    first += [f"persistence,value,{k},{39 + k},{value},2.0,0.5" for k, value in ((1, 3.0), (2, 4.0), (3, ""), (4, 6.0))]
    (tmp_path / "forecasts/wave.csv").write_text("\n".join(first) + "\n", encoding="utf-8")
    (wave,) = series.read(["wave"], tmp_path)
    assert wave.rows[0].errors == {("rmse", 1): 0.5, ("mae", 1): 0.4, ("nll", 1): 1.5}
    assert wave.curves == {"persistence": [(1, 0.5), (2, 0.75)]}
    assert wave.is_best(wave.rows[0], ("rmse", 1))
    assert not wave.is_best(wave.rows[0], ("rmse", 4))
    assert "persistence: 0.75 at 2" in wave.rmse
    observed = [[(38.0, 1.0)], [(40.0, 3.0), (41.0, 4.0)], [(43.0, 6.0)]]
    fan = Fan("persistence", observed, [(position, 2.0) for position in (40.0, 41.0, 42.0, 43.0)], [0.5] * 4)
    assert wave.fans == {"value": [fan]}
    assert wave.names == []


def test_a_chart_of_a_forecast_has_the_values_the_mean_and_the_band() -> None:
    fan = Fan("ar", [[(1, 0.0), (2, 1.0)], [(4, 2.0)]], [(3, 1.0), (4, 1.0)], [0.5, 1.0])
    other = Fan("naive", [[(1, 0.0)]], [(3, 9.0), (4, 9.0)], [0.0, 0.0])
    assert (min(fan.numbers), max(fan.numbers)) == (-1.0, 3.0)  # two deviations of the second step
    rows = [series.Row(name, "autoregression", 1, {}) for name in ("ar", "naive")]
    section = series.SeriesSection("s", {"steps": [1]}, rows, {}, {"value": [fan, other]})
    ((name, chart), (_, second)) = section.charts["value"]
    assert name == "ar"
    assert chart.count("<polyline") == 3  # the observed values before and after a missing one, and the mean
    assert chart.count('class="band c0"') == 1
    assert chart.count('class="mark"') == 1
    assert "<circle" not in chart
    (points,) = re.findall(r'class="line c0" points="([^"]+)"', chart)
    heights = [float(point.split(",")[1]) for point in points.split()]
    (mean,) = re.findall(r'class="line c1" points="([^"]+)"', second)
    assert float(mean.split(",")[1].split()[0]) < heights[0]  # both charts have one scale: 9 is above 1


def test_errors_of_a_column_are_ranked_by_themselves() -> None:
    by_column = {"a": {("rmse", 1): 1.0}, "b": {("rmse", 1): 5.0}}, {"a": {("rmse", 1): 2.0}, "b": {("rmse", 1): 4.0}}
    rows = [
        series.Row(name, "direct", 1, {("rmse", 1): 3.0}, found) for name, found in zip("xy", by_column, strict=True)
    ]
    section = series.SeriesSection("s", {"steps": [1], "columns": ["a", "b"]}, rows, {})
    assert [section.is_best(row, ("rmse", 1), "a") for row in rows] == [True, False]
    assert [section.is_best(row, ("rmse", 1), "b") for row in rows] == [False, True]
    oracle = series.Row("o", "var_process", 0, {("rmse", 1): 1.0}, by_column[0])
    assert not section.is_best(oracle, ("rmse", 1), "a")
