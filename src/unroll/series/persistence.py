"""Family `persistence`: the forecast of every step is the last value.

The mean of x_{t+k} is x_t, and its deviation is the root mean square of x_{s+k} - x_s over the train split. This is the
seasonal naive forecast with a season of one value.
"""

from unroll.params.series import PersistenceParams
from unroll.series.forecaster import Past
from unroll.series.seasonal_naive import SeasonalNaive


def fit(params: PersistenceParams, past: Past) -> SeasonalNaive:
    """Fit the deviations to the train split."""
    return SeasonalNaive(past.train, season=1)
