"""All forecasters of a series side by side: their ranking, leaks from the test part, files and errors."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.series import synthetic
from tests.text.conftest import corpus
from unroll.errors import UnrollError
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
    return forecast.compare(
        synthetic.params(steps, **forecasters), "wave", ObservedSeries(values, sizes, 0), synthetic.corpus(), seed=1
    )


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
    others[400:] += 100 * np.arange(100)
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
    assert (row["value"], row["mean"]) == pytest.approx((values[92], values[89]))
    ahead = table[table.origin == 100]  # beyond the end there are forecasts, but no values
    assert ahead["value"].isna().all()
    assert ahead["mean"].notna().all()


def test_error_messages_name_the_parameter() -> None:
    with pytest.raises(UnrollError, match=r"^series.wave: the series has the value 2 throughout its train split"):
        compare(np.full(50, 2.0), [1], (30, 10, 10), **NAIVE)
    with pytest.raises(UnrollError, match=r"^series.wave.forecasters.ar.order: .* needs at least 42 values"):
        compare(synthetic.noisy_sine(50), [1], (30, 10, 10), ar=ALL["ar"])
    series, params = (
        ObservedSeries(synthetic.noisy_sine(50), (30, 10, 10), 0),
        synthetic.params([1], oracle={"family": "sine"}),
    )
    with pytest.raises(
        UnrollError, match=r"^series.wave.forecasters.oracle.family: sine forecasts only a corpus of source sine"
    ):
        forecast.compare(params, "wave", series, corpus(), seed=1)
