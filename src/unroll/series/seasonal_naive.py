"""Family `seasonal_naive`: the forecast is the value one season earlier, or the fewest seasons that reach the past.

    mean of x_{t+k} = x_{t+k-jm}, j = ceil(k / m)               m: the number of values in a season
    deviation at k  = root mean square of x_s - x_{s-jm} over the train split

Each column is forecast by itself. Where the number of that time is missing, j is the smallest one above whose number is
observed. Hyndman and Athanasopoulos, Forecasting: Principles and Practice (2021), section 5.2.
"""

from dataclasses import dataclass

import numpy as np

from unroll.params.series import SeasonalNaiveParams
from unroll.series.forecaster import Floats, Forecast, Origins, Past

MIN_DIFFERENCES = 2
"""The number of differences in the train split that a deviation needs."""


@dataclass(frozen=True)
class SeasonalNaive:
    """A seasonal naive forecaster."""

    train: Floats
    """Standardised values (N, d) of the train split."""
    season: int
    """The number m of values in a season."""
    parameters: int = 0
    """The number of fitted parameters."""

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        """Forecast by the values whole seasons earlier; see `Forecaster.forecast`."""
        steps, columns = np.arange(horizon), np.arange(values.shape[1])
        positions = (origins[:, None] + steps)[..., None]  # (O, K, 1)
        first = self.season * (steps // self.season + 1)  # (K,) j m of step k = steps + 1
        lags = np.tile(first[:, None], (len(origins), 1, len(columns)))  # (O, K, d)
        while (missing := np.isnan(values[np.maximum(positions - lags, 0), columns]) & (positions >= lags)).any():
            lags[missing] += self.season
        mean = np.where(positions >= lags, values[np.maximum(positions - lags, 0), columns], np.nan)
        found, which = np.unique(lags, return_inverse=True)
        deviations = np.array([[self._deviation(lag, column) for column in columns] for lag in found])
        deviation = np.where(np.isnan(mean), np.nan, deviations[which.reshape(lags.shape), columns])
        return Forecast(np.where(np.isnan(deviation), np.nan, mean), deviation)

    def _deviation(self, lag: np.integer, column: np.integer) -> float:
        """Return the root mean square difference at a lag, or NaN if the train split is too short."""
        differences = self.train[lag:, column] - self.train[:-lag, column]
        differences = differences[np.isfinite(differences)]
        return float(np.sqrt(np.mean(differences**2))) if len(differences) >= MIN_DIFFERENCES else np.nan


def fit(params: SeasonalNaiveParams, past: Past) -> SeasonalNaive:
    """Fit the deviations to the train split."""
    return SeasonalNaive(past.train, params.season)
