"""The distribution of the previous values of an autoregression where some of them are missing (Kalman 1960).

    s_t = (x_{t-1}, .., x_{t-tau})        the state: the values before time t, the latest first
    s_{t+1} = C s_t + (c + e_t, 0, .., 0) C: the companion matrix of the process

The state is known exactly after tau complete values. From there, each time predicts the next value, and then conditions
on the numbers of it that are observed. Without missing numbers, this gives the values themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.series.forecaster import Floats, Origins


@dataclass(frozen=True)
class Process:
    """A vector autoregression with Gaussian errors."""

    intercept: Floats
    """The constant (d,)."""
    regression: Floats
    """The matrix (tau d, d) that the previous values, the latest first, are multiplied by."""
    covariance: Floats
    """The covariance (d, d) of the errors."""

    @property
    def companion(self) -> Floats:
        """The companion matrix (tau d, tau d)."""
        size, columns = self.regression.shape
        return np.concatenate([self.regression.T, np.eye(size - columns, size)])


def filter_states(process: Process, values: Floats, origins: Origins) -> Iterator[tuple[Floats, Floats]]:
    """Yield the distribution of the values before each origin, given the observed ones.

    Args:
        process: The process.
        values: The values (T, d) with NaN for missing numbers.
        origins: The origins (O,) in any order.

    Yields:
        For each origin the mean (tau d,) and a factor F (tau d, R) of the covariance F F^T. The mean is NaN and the
        covariance 0 if there is no run of tau complete values before the origin.
    """
    size, columns = process.regression.shape
    runs = _last_complete(np.isfinite(values), size // columns)
    companion = process.companion
    time = -1
    mean: Floats = np.empty(0)
    covariance: Floats = np.empty(0)
    for origin in origins.tolist():
        start = int(runs[origin])
        if start < 0:
            yield np.full(size, np.nan), np.zeros((size, 0))
            continue
        if not start <= time <= origin:
            time, mean = start, values[start - size // columns : start][::-1].reshape(-1)
            covariance = np.zeros((size, size))
        while time < origin:
            mean, covariance = _step(process, companion, mean, covariance, values[time])
            time += 1
        yield mean, _factor(covariance)


def _last_complete(observed: NDArray[np.bool_], order: int) -> Origins:
    """Return, for each origin (T + 1,), the last one up to it after `order` complete values; -1 if there is none.

    Args:
        observed: Whether each number (T, d) is observed.
        order: The number of values.
    """
    run, last, found = 0, -1, [-1]
    for origin, complete in enumerate(map(all, observed), 1):
        run = run + 1 if complete else 0
        last = origin if run >= order else last
        found.append(last)
    return np.array(found)


def _step(
    process: Process, companion: Floats, mean: Floats, covariance: Floats, value: Floats
) -> tuple[Floats, Floats]:
    """Predict the next state, and condition it on the observed numbers of the next value (d,)."""
    columns = len(value)
    mean, covariance = companion @ mean, companion @ covariance @ companion.T
    mean[:columns] += process.intercept
    covariance[:columns, :columns] += process.covariance
    observed = np.flatnonzero(np.isfinite(value))
    if not len(observed):
        return mean, covariance
    among = covariance[np.ix_(observed, observed)]
    gain = covariance[:, observed] @ np.linalg.pinv(among, hermitian=True)
    mean = mean + gain @ (value[observed] - mean[observed])
    covariance = covariance - gain @ covariance[observed]
    mean[observed] = value[observed]  # exactly, where the gain is rounded
    covariance[observed] = covariance[:, observed] = 0.0
    return mean, (covariance + covariance.T) / 2


def _factor(covariance: Floats) -> Floats:
    """Return F (N, R) with F F^T = covariance, whose rank is the number of missing numbers at most."""
    lengths, directions = np.linalg.eigh(covariance)
    kept = lengths > max(lengths[-1], 0.0) * len(lengths) * np.finfo(float).eps
    return directions[:, kept] * np.sqrt(lengths[kept])
