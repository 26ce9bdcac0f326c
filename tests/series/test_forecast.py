"""All forecasters of a series side by side: order of merit, leaks, files, faults."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.series import made
from tests.text.conftest import corpus
from unroll.errors import UnrollError
from unroll.series.forecast import Found, forecast
from unroll.series.observed import Observed

NAIVE = {"persistence": made.FORECASTERS["persistence"], "seasonal": made.FORECASTERS["seasonal_naive"]}
ALL = {"truth": {"family": "sine"}, **NAIVE, "ar": {"family": "autoregression", "order": 20}, "latent": made.LATENT}


def compare(values: np.ndarray, steps: list[int], sizes: tuple[int, int, int], **forecasters: dict[str, Any]) -> Found:
    return forecast(made.params(steps, **forecasters), "wave", Observed(values, sizes, 0), made.corpus(), seed=1)


@pytest.fixture(scope="module")
def found() -> Found:
    return compare(made.noisy_sine(2000), [1, 4, 16], (1200, 200, 600), **ALL)


def test_nothing_is_better_than_the_truth(found: Found) -> None:
    """Its density is the one that made the values; 0.01 is what luck of 600 values may give another."""
    for name, rows in found.errors.items():
        for truth, row in zip(found.errors["truth"], rows, strict=True):
            assert row.nll > truth.nll - 0.01, (name, row.step)
    expected = 0.5 * np.log(2 * np.pi * np.e * 0.3**2)
    for row in found.errors["truth"]:
        assert row.nll == pytest.approx(expected, abs=0.1)
        assert row.within == pytest.approx(0.683, abs=0.06)


def test_who_knows_more_errs_less(found: Found) -> None:
    rmse = {name: [row["rmse"] for row in of["steps"]] for name, of in found.metrics["forecasters"].items()}
    for step in range(3):
        assert rmse["truth"][step] < rmse["ar"][step] < rmse["seasonal"][step]
        assert rmse["seasonal"][step] == pytest.approx(0.3 * np.sqrt(2), rel=0.1)  # the noise of two values
    assert rmse["seasonal"][0] < rmse["persistence"][0] < rmse["persistence"][1]


def test_forecasts_are_counted_and_steps_that_do_not_fit_are_absent() -> None:
    found = compare(made.noisy_sine(60), [1, 4, 16, 64], (30, 15, 15), **NAIVE)
    for of in found.metrics["forecasters"].values():
        assert [(row["step"], row["forecasts"]) for row in of["steps"]] == [(1, 15), (4, 12)]
    assert [row.step for row in found.errors["persistence"]] == list(range(1, 16))


def test_the_test_part_moves_neither_scale_nor_fit() -> None:
    values, others = made.noisy_sine(500), made.noisy_sine(500)
    others[400:] += 100 * np.arange(100)
    first, second = (compare(v, [1, 4], (300, 100, 100), **ALL) for v in (values, others))
    for name in ALL:
        for part in ("mean", "deviation"):
            a, b = (getattr(found.rolled[name].forecast, part)[0] for found in (first, second))
            np.testing.assert_allclose(a, b, rtol=1e-6, err_msg=name)


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    contents = []
    for _ in range(2):
        found = compare(made.noisy_sine(500), [1, 4], (300, 100, 100), **ALL)
        found.write_errors(tmp_path / "errors.csv")
        found.write_forecasts(tmp_path / "forecasts.parquet")
        files = (path.read_bytes() for path in sorted(tmp_path.iterdir()))
        contents.append([*files, json.dumps(found.metrics).encode()])
    assert contents[0] == contents[1]


def test_files(tmp_path: Path) -> None:
    values = made.noisy_sine(100)
    found = compare(values, [1, 4], (60, 20, 20), **NAIVE)
    found.write_errors(tmp_path / "errors.csv")
    found.write_forecasts(tmp_path / "forecasts.parquet")
    rows = list(csv.DictReader((tmp_path / "errors.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["forecaster"], row["step"]) for row in rows[3:5]] == [("persistence", "4"), ("seasonal", "1")]
    assert float(rows[0]["rmse"]) == found.errors["persistence"][0].rmse
    table = pq.read_table(tmp_path / "forecasts.parquet").to_pandas()
    assert len(table) == 2 * 21 * 4
    row = table[(table.forecaster == "persistence") & (table.origin == 90) & (table.step == 3)].iloc[0]
    assert (row["value"], row["mean"]) == pytest.approx((values[92], values[89]))
    ahead = table[table.origin == 100]  # beyond the end: a real forecast, and nothing to compare it with
    assert ahead["value"].isna().all()
    assert ahead["mean"].notna().all()


def test_faults_name_the_param() -> None:
    with pytest.raises(UnrollError, match=r"^series.wave: the series is 2 throughout its train split; bring one that"):
        compare(np.full(50, 2.0), [1], (30, 10, 10), **NAIVE)
    with pytest.raises(UnrollError, match=r"^series.wave.forecasters.ar.order: .* needs at least 42 values"):
        compare(made.noisy_sine(50), [1], (30, 10, 10), ar=ALL["ar"])
    series, params = Observed(made.noisy_sine(50), (30, 10, 10), 0), made.params([1], truth={"family": "sine"})
    with pytest.raises(UnrollError, match=r"^series.wave.forecasters.truth.family: only a corpus of source sine"):
        forecast(params, "wave", series, corpus(), seed=1)
