"""The contract of a forecaster: Gaussian predictions P(x_{t+k-1} | x_0, .., x_{t-1}) of a series k steps ahead.

Each family is a module of this package with a function

    fit(params, past) -> Forecaster

that sees the train and valid values only. All values are standardised: they have mean 0 and deviation 1 over the train
split. An *origin* t is the number of values that come before the forecast: step k = 1, 2, .. predicts value t + k - 1.
"""

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
    """The map x -> (x - shift) / unit, and its inverse."""

    shift: float
    """The value that becomes 0."""
    unit: float
    """The distance that becomes 1; greater than 0."""

    @staticmethod
    def standardize(values: Floats) -> "Scale":
        """Return the scale on which `values` have mean 0 and standard deviation 1.

        Args:
            values: The values (N,) of the train split.

        Returns:
            The scale.

        Raises:
            UnrollError: All values are equal.
        """
        if values.min() == values.max():
            raise UnrollError(
                f"the series has the value {values[0]:g} throughout its train split; use a series that varies"
            )
        return Scale(float(values.mean()), float(values.std()))

    def apply(self, values: Floats) -> Floats:
        """Scale values of any shape."""
        return (values - self.shift) / self.unit

    def invert(self, values: Floats) -> Floats:
        """Return scaled values of any shape to the units of the series."""
        return values * self.unit + self.shift


@dataclass(frozen=True)
class Past:
    """The data that a forecaster is fitted to."""

    train: Floats
    """Standardised values (N,) of the train split, in time order."""
    valid: Floats
    """The values (M,) that follow: they decide when training stops, and are not fitted."""
    scale: Scale
    """The scale that standardised the values, measured on `train`."""
    corpus: Corpus
    """The source of the series; the distribution of a sampled corpus is known."""
    seed: int
    """The random seed."""


@dataclass(frozen=True)
class Forecast:
    """Gaussians by origin (rows) and step (columns: k - 1); both arrays have NaN where no forecast is possible."""

    mean: Floats
    """Means (O, K)."""
    deviation: Floats
    """Standard deviations (O, K), at least 0."""


class Forecaster(Protocol):
    """A fitted forecaster."""

    parameters: int
    """The number of free parameters that were fitted."""

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        """Forecast the next values after each origin.

        Row i depends on `values[:origins[i]]` only. The same arguments give the same forecast, and a row does not
        depend on the other origins.

        Args:
            values: Standardised values (T,) that begin where the train split begins.
            origins: The origins (O,).
            horizon: The number K of steps.

        Returns:
            The forecast (O, K).
        """
        ...
