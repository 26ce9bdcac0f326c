"""The contract of a forecaster: Gaussian predictions P(x_{t+k-1} | x_0, .., x_{t-1}) of a series k steps ahead.

A value x_t is a vector of d numbers, one for each column of the series. Each family is a module of this package with a
function

    fit(params, past) -> Forecaster

that sees the train and valid values only. All values are standardised: each column has mean 0 and deviation 1 over the
train split. A missing number is NaN. An *origin* t is the number of values that come before the forecast: step
k = 1, 2, .. predicts value t + k - 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.params.corpora import Corpus

Floats = NDArray[np.floating]
Origins = NDArray[np.integer]


@dataclass(frozen=True)
class Scale:
    """The map x -> (x - shift) / unit of each column, and its inverse."""

    shift: Floats
    """The values (d,) that become 0."""
    unit: Floats
    """The distances (d,) that become 1; greater than 0."""

    @staticmethod
    def standardize(values: Floats, columns: Sequence[str]) -> "Scale":
        """Return the scale on which each column of `values` has mean 0 and standard deviation 1.

        Args:
            values: The values (N, d) of the train split.
            columns: The names (d,) of the columns, for messages.

        Returns:
            The scale. Missing numbers are left out.

        Raises:
            UnrollError: All numbers of a column are equal or missing.
        """
        shifts, units = [], []
        for index, name in enumerate(columns):
            column = values[:, index]
            column = column[np.isfinite(column)]
            whose = "the series" if len(columns) == 1 else f"column {name} of the series"
            if not len(column):
                raise UnrollError(f"{whose} has no value in its train split; leave it out, or use a longer series")
            if column.min() == column.max():
                raise UnrollError(
                    f"{whose} has the value {column[0]:g} throughout its train split; use a series that varies"
                )
            shifts.append(column.mean())
            units.append(column.std())
        return Scale(np.array(shifts), np.array(units))

    def apply(self, values: Floats) -> Floats:
        """Scale values (.., d)."""
        return (values - self.shift) / self.unit

    def invert(self, values: Floats) -> Floats:
        """Return scaled values (.., d) to the units of the series."""
        return values * self.unit + self.shift


@dataclass(frozen=True)
class Past:
    """The data that a forecaster is fitted to."""

    train: Floats
    """Standardised values (N, d) of the train split, in time order."""
    valid: Floats
    """The values (M, d) that follow: they decide when training stops, and are not fitted."""
    scale: Scale
    """The scale that standardised the values, measured on `train`."""
    corpus: Corpus
    """The source of the series; the distribution of a sampled corpus is known."""
    horizon: int
    """The largest number K of steps that will be asked for."""
    seed: int
    """The random seed."""


@dataclass(frozen=True)
class Forecast:
    """Gaussians by origin (rows), step (columns: k - 1) and column of the series; NaN where no forecast is possible."""

    mean: Floats
    """Means (O, K, d)."""
    deviation: Floats
    """Standard deviations (O, K, d) of each number by itself, at least 0."""


class Forecaster(Protocol):
    """A fitted forecaster."""

    parameters: int
    """The number of free parameters that were fitted."""

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        """Forecast the next values after each origin.

        Row i depends on `values[:origins[i]]` only. The same arguments give the same forecast, and a row does not
        depend on the other origins.

        Args:
            values: Standardised values (T, d) that begin where the train split begins.
            origins: The origins (O,).
            horizon: The number K of steps, at most that of `Past`.

        Returns:
            The forecast (O, K, d).
        """
        ...
