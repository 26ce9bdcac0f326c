"""Family `seasonal_naive`: the forecast is the value one season earlier, or the fewest seasons that reach the past.

    mean of x_{t+k} = x_{t+k-jm}, j = ceil(k / m)               m: the number of values in a season
    deviation at k  = root mean square of x_s - x_{s-jm} over the train split

Hyndman and Athanasopoulos, Forecasting: Principles and Practice (2021), section 5.2.
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
    """Standardised values (N,) of the train split."""
    season: int
    """The number m of values in a season."""
    parameters: int = 0
    """The number of fitted parameters."""

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        """Forecast by the values whole seasons earlier; see `Forecaster.forecast`."""
        steps = np.arange(horizon)
        lags = self.season * (steps // self.season + 1)  # (K,) j m of step k = steps + 1
        source = origins[:, None] + steps - lags  # (O, K)
        mean = np.where(source >= 0, values[np.maximum(source, 0)], np.nan)
        deviations = {lag: self._deviation(lag) for lag in np.unique(lags)}
        deviation = np.where(np.isnan(mean), np.nan, [deviations[lag] for lag in lags])
        return Forecast(np.where(np.isnan(deviation), np.nan, mean), deviation)

    def _deviation(self, lag: int) -> float:
        """Return the root mean square difference at a lag, or NaN if the train split is too short."""
        if len(self.train) - lag < MIN_DIFFERENCES:
            return np.nan
        return float(np.sqrt(np.mean((self.train[lag:] - self.train[:-lag]) ** 2)))


def fit(params: SeasonalNaiveParams, past: Past) -> SeasonalNaive:
    """Fit the deviations to the train split."""
    return SeasonalNaive(past.train, params.season)
