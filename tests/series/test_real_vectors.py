"""Real series of several columns and with missing values, from their files (of statsmodels) to forecasts."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.series import synthetic
from tests.text.conftest import CORPUS, Workshop
from unroll.params.cleaning import AUTO
from unroll.params.corpora import PathCorpus
from unroll.series import autoregression, observed
from unroll.series.observed import ObservedSeries
from unroll.text.clean import clean

vector_ar = pytest.importorskip("statsmodels.tsa.api", reason="statsmodels is not installed")


def read(folder: Path, data: str, **dialect: Any) -> tuple[ObservedSeries, dict[str, Any]]:
    """The series of a data set of statsmodels, and the counts of stage clean."""
    path = files(f"statsmodels.datasets.{data}").joinpath(f"{data}.csv")
    workshop = Workshop(folder).add(path.read_bytes(), f"{data}.csv", format="series", documents=None)
    settings = {"source": "path", "path": "x", "sha256": "", "unknown_word": "none", "format": AUTO | dialect}
    counts = clean(PathCorpus.model_validate(CORPUS | settings), workshop.raw, workshop.out)
    return observed.read(workshop.out), counts


def test_three_columns_of_an_economy_agree_with_statsmodels_to_8_digits(tmp_path: Path) -> None:
    """Inflation, unemployment and interest, as in Stock and Watson (2001), Vector Autoregressions."""
    series, _ = read(tmp_path, "macrodata", time="none", value=["infl", "unemp", "tbilrate"])
    assert series.columns == ("infl", "unemp", "tbilrate")
    assert series.values.shape == (203, 3)
    np.testing.assert_array_equal(series.values[1], [2.34, 5.1, 3.08])
    past = synthetic.past(series.values, valid=40)
    fitted = autoregression.fit(synthetic.section("autoregression", order=4), past)
    peer = vector_ar.VAR(past.train).fit(4, trend="c")
    np.testing.assert_allclose(fitted.weights, peer.coefs, rtol=1e-8, atol=1e-9)
    ours = fitted.forecast(past.train, np.array([len(past.train)]), 12)
    np.testing.assert_allclose(ours.mean[0], peer.forecast(past.train[-4:], 12), rtol=1e-8)
    variances = [np.diag(matrix) for matrix in peer.mse(12)]
    np.testing.assert_allclose(ours.deviation[0] ** 2, variances, rtol=1e-8)


@pytest.mark.slow
def test_the_missing_weeks_of_a_series_are_counted(tmp_path: Path) -> None:
    series, counts = read(tmp_path, "co2")
    assert (len(series.values), series.gaps) == (2284, 0)
    assert counts["changed"] == {"missing_values": 59}
    assert series.missing == {"value": 59}
    assert counts["dialect"]["co2.csv"]["times"] == "dates such as 20201231"
