"""Source `var-process`: the moments of the process, and the same bytes for the same seed."""

import csv
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from tests.series import synthetic
from unroll.corpora import var_process
from unroll.errors import UnrollError


def fetched(folder: Path, seed: int) -> list[dict[str, str]]:
    folder.mkdir()
    var_process.fetch(synthetic.var_process(3, seed=seed), folder)
    with (folder / "series.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_row_has_a_time_and_a_number_for_each_column(tmp_path: Path) -> None:
    rows = fetched(tmp_path / "a", 1)
    assert [row["time"] for row in rows] == [str(time) for time in range(600)]
    values = np.array([[float(row[f"x{index}"]) for index in (1, 2, 3)] for row in rows])
    np.testing.assert_allclose(values, var_process.sample(synthetic.var_process(3)), rtol=1e-6)


def test_the_errors_have_the_covariance_and_no_memory() -> None:
    params = synthetic.var_process(2, length=40_000)
    values, (intercept, (first, second), covariance) = var_process.sample(params), var_process.read_process(params)
    errors = values[2:] - intercept - values[1:-1] @ first.T - values[:-2] @ second.T
    np.testing.assert_allclose(errors.mean(0), 0, atol=0.02)
    np.testing.assert_allclose(np.cov(errors.T), covariance, atol=0.02)
    np.testing.assert_allclose(errors[1:].T @ errors[:-1] / len(errors), 0, atol=0.02)


@pytest.mark.slow
def test_the_first_vectors_have_the_stationary_distribution() -> None:
    """The moments over many seeds of the first vectors are those over time of a long sample."""
    starts = np.array([var_process.sample(synthetic.var_process(2, seed=seed, length=10))[0] for seed in range(3000)])
    later = var_process.sample(synthetic.var_process(2, length=60_000))
    np.testing.assert_allclose(starts.mean(0), later.mean(0), atol=0.08)
    np.testing.assert_allclose(np.cov(starts.T), np.cov(later.T), atol=0.1)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        fetched(tmp_path / name, seed)
    contents = [{p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in "abc"]
    assert contents[0] == contents[1]
    assert contents[0]["series.csv"] != contents[2]["series.csv"]


def test_a_process_that_is_not_stationary_and_a_wrong_covariance_are_refused() -> None:
    with pytest.raises(UnrollError, match=r"coefficients: the process is not stationary, .* spectral radius 1\.100"):
        var_process.sample(synthetic.var_process(2, coefficients={"lag1": synthetic.named([[1.1, 0.0], [0.0, 0.5]])}))
    for covariance in ([[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.5], [0.4, 1.0]]):
        with pytest.raises(UnrollError, match="covariance: is not symmetric and positive definite"):
            var_process.sample(synthetic.var_process(2, covariance=synthetic.named(covariance)))
    with pytest.raises(ValidationError, match="the coefficients are of lag2; name them lag1"):
        synthetic.var_process(1, coefficients={"lag2": synthetic.named([[0.5]])})
    for covariance in ([[1.0]], [[1.0, 0.0]], [[1.0, 0.0], [0.0]]):
        with pytest.raises(
            ValidationError, match="a matrix does not have the rows and columns x1, x2 of the intercept"
        ):
            synthetic.var_process(2, covariance=synthetic.named(covariance))
