"""Family `persistence`: nothing changes. The mean of x_{t+k} is x_t, its deviation the root mean square of
x_{s+k} - x_s over train: the seasonal-naive forecast of a season of one value."""

from unroll.params.series import PersistenceParams
from unroll.series.forecaster import Past
from unroll.series.seasonal_naive import SeasonalNaive


def fit(params: PersistenceParams, past: Past) -> SeasonalNaive:
    return SeasonalNaive(past.train, season=1)
