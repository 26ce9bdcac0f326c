"""Source `var-process`: a stationary vector autoregression, whose errors are the smallest possible error of a forecast.

    x_t = c + A_1 x_{t-1} + .. + A_p x_{t-p} + e_t              e_t Gaussian with covariance S

The first p vectors are drawn from the stationary distribution, so that no vector differs in distribution from the
others (Luetkepohl 2005, New Introduction to Multiple Time Series Analysis, section 2.1).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.params.series import VarProcessCorpus
from unroll.text.manifest import RawFile, write_manifest

Floats = NDArray[np.floating]


def fetch(params: VarProcessCorpus, folder: Path) -> None:
    """Write the series as CSV with the columns time, x1, x2, ... or as they are named.

    Values have seven significant digits, since the last bits of matrix products differ between processors.

    Raises:
        UnrollError: The process is not stationary, or the covariance is none.
    """
    values = sample(params)
    columns = ",".join(params.intercept)
    rows = "".join(
        f"{time}," + ",".join(f"{value:.7g}" for value in row) + "\n" for time, row in enumerate(values.tolist())
    )
    (folder / "series.csv").write_text(f"time,{columns}\n{rows}", encoding="utf-8")
    write_manifest(folder, [RawFile("series.csv", "series")])


def sample(params: VarProcessCorpus) -> Floats:
    """Draw the vectors (length, d).

    Raises:
        UnrollError: The process is not stationary, or the covariance is none.
    """
    intercept, coefficients, covariance = read_process(params)
    order, size = coefficients.shape[:2]
    if (covariance != covariance.T).any() or np.linalg.eigvalsh(covariance)[0] <= 0:
        raise UnrollError("corpora.*.covariance: is not symmetric and positive definite; correct it")
    companion = np.eye(order * size, k=-size)
    companion[:size] = coefficients.transpose(1, 0, 2).reshape(size, -1)
    radius = float(np.abs(np.linalg.eigvals(companion)).max())
    if radius >= 1:
        raise UnrollError(
            "corpora.*.coefficients: the process is not stationary, since its companion matrix has the spectral radius "
            f"{radius:.3f}; lower the coefficients until it is below 1"
        )
    generator = np.random.default_rng(params.seed)
    errors = generator.standard_normal((params.length, size)) @ np.linalg.cholesky(covariance).T
    mean = np.linalg.solve(np.eye(size) - coefficients.sum(0), intercept)
    factor = np.linalg.cholesky(_stationary_covariance(companion, covariance))
    state = np.tile(mean, order) + factor @ generator.standard_normal(order * size)  # the latest vector first
    values = np.empty((params.length, size))
    for time, error in enumerate(errors):
        values[time] = intercept + companion[:size] @ state + error
        state = np.concatenate([values[time], state[:-size]])
    return values


def read_process(params: VarProcessCorpus) -> tuple[Floats, Floats, Floats]:
    """Return the constant (d,), the coefficients (p, d, d) and the covariance (d, d) of the process."""
    coefficients, covariance = (
        np.array([[list(row.values()) for row in matrix.values()] for matrix in matrices])
        for matrices in (params.coefficients.values(), [params.covariance])
    )
    return np.array(list(params.intercept.values())), coefficients, covariance[0]


def _stationary_covariance(companion: Floats, covariance: Floats) -> Floats:
    """Return P with P = C P C^T + Q, where Q has the covariance of the errors as its first block."""
    size, total = len(covariance), len(companion)
    innovation = np.zeros((total, total))
    innovation[:size, :size] = covariance
    solution = np.linalg.solve(np.eye(total**2) - np.kron(companion, companion), innovation.ravel())
    found = solution.reshape(total, total)
    return (found + found.T) / 2
