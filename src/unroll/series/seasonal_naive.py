"""Family `seasonal_naive`: what was there a season before; of several seasons, as few as reach a known value.

    mean of x_{t+k} = x_{t+k-jm}, j = ceil(k / m)               m: values in a season
    deviation at k  = root mean square of x_s - x_{s-jm} over train

Hyndman and Athanasopoulos, Forecasting: Principles and Practice (2021), section 5.2.
"""

from dataclasses import dataclass

import numpy as np

from unroll.params.series import SeasonalNaiveParams
from unroll.series.forecaster import Floats, Forecast, Origins, Past

FEWEST = 2
"""Differences in train, for a deviation: of one alone it would be a guess."""


@dataclass(frozen=True)
class SeasonalNaive:
    train: Floats
    season: int
    parameters: int = 0

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        steps = np.arange(horizon)
        back = self.season * (steps // self.season + 1)  # (K,) j m of step k = steps + 1
        source = origins[:, None] + steps - back  # (O, K)
        mean = np.where(source >= 0, values[np.maximum(source, 0)], np.nan)
        spread = {lag: self._deviation(lag) for lag in np.unique(back)}
        deviation = np.where(np.isnan(mean), np.nan, [spread[lag] for lag in back])
        return Forecast(np.where(np.isnan(deviation), np.nan, mean), deviation)

    def _deviation(self, lag: int) -> float:
        if len(self.train) - lag < FEWEST:
            return np.nan
        return float(np.sqrt(np.mean((self.train[lag:] - self.train[:-lag]) ** 2)))


def fit(params: SeasonalNaiveParams, past: Past) -> SeasonalNaive:
    return SeasonalNaive(past.train, params.season)
