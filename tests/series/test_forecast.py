"""All forecasters of a series side by side: their ranking, leaks from the test part, files and errors."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.pipeline.closure import ROOT
from tests.series import synthetic
from tests.text.conftest import corpus
from unroll.corpora.var_process import sample
from unroll.errors import UnrollError
from unroll.params.load import load
from unroll.params.series import VarProcessCorpus
from unroll.series import forecast
from unroll.series.forecast import Comparison
from unroll.series.observed import ObservedSeries

NAIVE = {"persistence": synthetic.FORECASTERS["persistence"], "seasonal": synthetic.FORECASTERS["seasonal_naive"]}
ALL = {
    "oracle": {"family": "sine"},
    **NAIVE,
    "ar": {"family": "autoregression", "order": 20},
    "latent": synthetic.LATENT,
}


def compare(
    values: np.ndarray, steps: list[int], sizes: tuple[int, int, int], **forecasters: dict[str, Any]
) -> Comparison:
    columns = ("value",) if values.shape[1] == 1 else tuple(f"x{index + 1}" for index in range(values.shape[1]))
    source = synthetic.corpus() if values.shape[1] == 1 else synthetic.var_process(values.shape[1])
    series = ObservedSeries(values, columns, sizes, 0)
    return forecast.compare(synthetic.params(steps, **forecasters), "wave", series, source, seed=1)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(synthetic.noisy_sine(2000), [1, 4, 16], (1200, 200, 600), **ALL)


def test_nothing_is_better_than_the_oracle(comparison: Comparison) -> None:
    """The values were sampled from its density; by chance, 600 values may favour another by up to 0.01 nats."""
    for name, rows in comparison.errors.items():
        for oracle, row in zip(comparison.errors["oracle"], rows, strict=True):
            assert row.nll > oracle.nll - 0.01, (name, row.step)
    expected = 0.5 * np.log(2 * np.pi * np.e * 0.3**2)
    for row in comparison.errors["oracle"]:
        assert row.nll == pytest.approx(expected, abs=0.1)
        assert row.within == pytest.approx(0.683, abs=0.06)


def test_forecasters_that_use_more_of_the_past_have_smaller_errors(comparison: Comparison) -> None:
    rmse = {name: [row["rmse"] for row in entry["steps"]] for name, entry in comparison.metrics["forecasters"].items()}
    for step in range(3):
        assert rmse["oracle"][step] < rmse["ar"][step] < rmse["seasonal"][step]
        assert rmse["seasonal"][step] == pytest.approx(0.3 * np.sqrt(2), rel=0.1)  # the noise of two values
    assert rmse["seasonal"][0] < rmse["persistence"][0] < rmse["persistence"][1]


def test_forecasts_are_counted_and_steps_that_do_not_fit_are_absent() -> None:
    comparison = compare(synthetic.noisy_sine(60), [1, 4, 16, 64], (30, 15, 15), **NAIVE)
    for entry in comparison.metrics["forecasters"].values():
        assert [(row["step"], row["forecasts"]) for row in entry["steps"]] == [(1, 15), (4, 12)]
    assert [row.step for row in comparison.errors["persistence"]] == list(range(1, 16))


def test_the_test_part_changes_neither_the_scale_nor_the_fit() -> None:
    values, others = synthetic.noisy_sine(500), synthetic.noisy_sine(500)
    others[400:, 0] += 100 * np.arange(100)
    first, second = (compare(v, [1, 4], (300, 100, 100), **ALL) for v in (values, others))
    for name in ALL:
        for part in ("mean", "deviation"):
            a, b = (getattr(comparison.forecasts[name].forecast, part)[0] for comparison in (first, second))
            np.testing.assert_allclose(a, b, rtol=1e-6, err_msg=name)


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for _ in range(2):
        comparison = compare(synthetic.noisy_sine(500), [1, 4], (300, 100, 100), **ALL)
        comparison.write_errors(tmp_path / "errors.csv")
        comparison.write_forecasts(tmp_path / "forecasts.parquet")
        comparison.write_first_forecasts(tmp_path / "first.csv")
        files = (path.read_bytes() for path in sorted(tmp_path.iterdir()))
        contents.append([*files, json.dumps(comparison.metrics).encode()])
    assert contents[0] == contents[1]


def test_the_files_hold_the_errors_and_the_forecasts(tmp_path: Path) -> None:
    values = synthetic.noisy_sine(100)
    comparison = compare(values, [1, 4], (60, 20, 20), **NAIVE)
    comparison.write_errors(tmp_path / "errors.csv")
    comparison.write_forecasts(tmp_path / "forecasts.parquet")
    rows = list(csv.DictReader((tmp_path / "errors.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["forecaster"], row["step"]) for row in rows[3:5]] == [("persistence", "4"), ("seasonal", "1")]
    assert float(rows[0]["rmse"]) == comparison.errors["persistence"][0].rmse
    table = pq.read_table(tmp_path / "forecasts.parquet").to_pandas()
    assert len(table) == 2 * 21 * 4
    row = table[(table.forecaster == "persistence") & (table.origin == 90) & (table.step == 3)].iloc[0]
    assert (row["value"], row["mean"]) == pytest.approx((values[92, 0], values[89, 0]))
    ahead = table[table.origin == 100]  # beyond the end there are forecasts, but no values
    assert ahead["value"].isna().all()
    assert ahead["mean"].notna().all()


def test_the_picture_holds_the_forecasts_of_the_first_origin_and_the_values_before_it(tmp_path: Path) -> None:
    values = synthetic.vectors(2, 100)
    values[[79, 81], [0, 1]] = np.nan
    compare(values, [1, 4], (60, 20, 20), **NAIVE).write_first_forecasts(tmp_path / "first.csv")
    rows = list(csv.DictReader((tmp_path / "first.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 2 * (4 + 2 * 4)
    assert [(r["step"], r["position"]) for r in rows[:5]] == [(str(k), str(80 + k)) for k in range(-4, 0)] + [
        ("1", "80")
    ]
    before = [row for row in rows if not row["forecaster"] and row["column"] == "x1"]
    assert [row["value"] for row in before] == [*(str(v) for v in values[76:79, 0]), ""]
    second = [row for row in rows if row["forecaster"] == "persistence" and row["column"] == "x2"]
    assert [row["value"] for row in second] == [str(values[80, 1]), "", *(str(v) for v in values[82:84, 1])]
    np.testing.assert_allclose([float(row["mean"]) for row in second], values[79, 1])


VECTOR = {
    "oracle": {"family": "var_process"},
    **NAIVE,
    "ar": {"family": "autoregression", "order": 2},
    "direct": {"family": "direct", "order": 2},
    "latent": synthetic.LATENT,
}


@pytest.fixture(scope="module")
def vector() -> Comparison:
    return compare(synthetic.vectors(3, 2400), [1, 4, 16], (1400, 200, 800), **VECTOR)


def test_nothing_is_better_than_the_oracle_of_vectors(vector: Comparison) -> None:
    """By chance, 2,400 numbers may favour another by up to 0.01 nats."""
    for name, rows in vector.errors.items():
        for oracle, row in zip(vector.errors["oracle"], rows, strict=True):
            assert row.nll > oracle.nll - 0.01, (name, row.step)
            assert row.forecasts == oracle.forecasts
    for row in vector.errors["oracle"]:
        assert row.within == pytest.approx(0.683, abs=0.05)


def test_one_step_ahead_the_error_of_the_oracle_is_the_noise(vector: Comparison) -> None:
    for entry in vector.metrics["forecasters"]["oracle"]["columns"]:
        assert entry["steps"][0]["rmse"] == pytest.approx(np.sqrt(0.7), rel=0.08)


def test_the_fitted_process_is_close_to_the_oracle_at_every_step(vector: Comparison) -> None:
    for oracle, row in zip(vector.errors["oracle"], vector.errors["ar"], strict=True):
        assert row.nll < oracle.nll + 0.03
    one, other = (vector.metrics["forecasters"][name]["steps"][0]["rmse"] for name in ("ar", "persistence"))
    assert one < 0.9 * other


def test_errors_of_several_columns_are_those_of_each_and_of_all_standardised(vector: Comparison) -> None:
    assert vector.metrics["columns"] == ["x1", "x2", "x3"]
    assert "missing" not in vector.metrics
    train = vector.series.values[:1400]
    entry = vector.metrics["forecasters"]["ar"]
    for index, step in enumerate((1, 4, 16)):
        columns = [found["steps"][index] for found in entry["columns"]]
        assert [row["step"] for row in columns] == [step] * 3
        squares = [(row["rmse"] / unit) ** 2 for row, unit in zip(columns, train.std(0), strict=True)]
        assert entry["steps"][index]["rmse"] == pytest.approx(np.sqrt(np.mean(squares)))
        assert entry["steps"][index]["forecasts"] == sum(row["forecasts"] for row in columns)


def test_the_files_of_vectors_name_the_column(vector: Comparison, tmp_path: Path) -> None:
    vector.write_forecasts(tmp_path / "forecasts.parquet")
    table = pq.read_table(tmp_path / "forecasts.parquet").to_pandas()
    assert len(table) == len(VECTOR) * 801 * 16 * 3
    chosen = table[(table.forecaster == "persistence") & (table.origin == 1700) & (table.step == 3)]
    assert chosen["column"].tolist() == ["x1", "x2", "x3"]
    np.testing.assert_allclose(chosen["mean"], vector.series.values[1699])
    np.testing.assert_allclose(chosen["value"], vector.series.values[1702])


def test_missing_values_are_counted_and_not_measured() -> None:
    values = synthetic.vectors(2, 600)
    full = compare(values, [1, 4], (400, 100, 100), **NAIVE)
    holed = values.copy()
    holed[[10, 20, 550, 560], [0, 0, 0, 1]] = np.nan
    comparison = compare(holed, [1, 4], (400, 100, 100), **NAIVE, direct=VECTOR["direct"])
    assert "missing" not in full.metrics
    assert comparison.metrics["missing"] == {"x1": 3, "x2": 1}
    for entry in comparison.metrics["forecasters"]["persistence"]["columns"]:
        # Each missing number is one target less, and direct has no forecast at two origins after each of both.
        assert entry["steps"][0]["forecasts"] == 100 - 1 - 4, entry["column"]
    counts = {
        name: [row["forecasts"] for row in entry["steps"]] for name, entry in comparison.metrics["forecasters"].items()
    }
    assert len(set(map(tuple, counts.values()))) == 1  # all forecasters are compared on the same numbers


def test_error_messages_name_the_parameter() -> None:
    with pytest.raises(UnrollError, match=r"^series.wave: the series has the value 2 throughout its train split"):
        compare(np.full((50, 1), 2.0), [1], (30, 10, 10), **NAIVE)
    with pytest.raises(UnrollError, match=r"^series.wave.forecasters.ar.order: .* needs at least 42 values"):
        compare(synthetic.noisy_sine(50), [1], (30, 10, 10), ar=ALL["ar"])
    series, params = (
        ObservedSeries(synthetic.noisy_sine(50), ("value",), (30, 10, 10), 0),
        synthetic.params([1], oracle={"family": "sine"}),
    )
    with pytest.raises(
        UnrollError, match=r"^series.wave.forecasters.oracle.family: sine forecasts only a corpus of source sine"
    ):
        forecast.compare(params, "wave", series, corpus(), seed=1)
    with pytest.raises(UnrollError, match=r"oracle.family: var_process forecasts only a corpus of source var-process"):
        compare(synthetic.noisy_sine(50), [1], (30, 10, 10), oracle={"family": "var_process"})


def test_a_vector_is_forecast_better_than_its_columns_alone() -> None:
    """The default process: an autoregression of one column has a larger error than the noise, also of order 10."""
    process = load(ROOT / "params.yaml").corpora["vector"]
    assert isinstance(process, VarProcessCorpus)
    values, noise = sample(process), np.sqrt([0.25, 0.25, 1.0])
    together = compare(values, [1], (1200, 400, 400), ar=VECTOR["ar"]).metrics["forecasters"]["ar"]["columns"]
    for index, entry in enumerate(together):
        alone = compare(values[:, [index]], [1], (1200, 400, 400), ar={"family": "autoregression", "order": 10})
        rmse = alone.metrics["forecasters"]["ar"]["steps"][0]["rmse"]
        assert entry["steps"][0]["rmse"] == pytest.approx(noise[index], rel=0.05)
        assert rmse > 1.08 * entry["steps"][0]["rmse"], entry["column"]
