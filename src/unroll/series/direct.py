"""Family `direct`: a regression of its own for each number of steps (Marcellino, Stock and Watson 2006).

    x_{t+k-1} = c_k + B_k1 x_{t-1} + .. + B_kTAU x_{t-tau} + e      for each k = 1, .., K by least squares

This models P(x_{t+k-1} | x_{t-tau}, .., x_{t-1}) itself. An autoregression models the first step, and its forecast of
later steps is iterated. For k = 1 both are the same regression. The deviation at k is that of the residuals at k. A
time with a missing number, or with one before it or k - 1 steps after it, is left out of the fit; an origin with one
before it has no forecast.
"""

from dataclasses import dataclass

import numpy as np

from unroll.errors import UnrollError
from unroll.params.series import DirectParams
from unroll.series.autoregression import too_short
from unroll.series.forecaster import Floats, Forecast, Origins, Past
from unroll.series.lags import values_before


@dataclass(frozen=True)
class Direct:
    """The fitted regressions."""

    solutions: list[Floats]
    """For each step, the constant and the coefficients (1 + tau d, d). Later steps have no forecast."""
    deviations: list[Floats]
    """For each step, the standard deviations (d,) of the errors."""

    @property
    def parameters(self) -> int:
        """The number of fitted parameters: coefficients and deviations of all steps."""
        return sum(fitted.size for fitted in (*self.solutions, *self.deviations))

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        """Forecast each step by its regression; see `Forecaster.forecast`."""
        order = (len(self.solutions[0]) - 1) // values.shape[1]
        design = np.column_stack([np.ones(len(origins)), values_before(values, origins, order)])
        mean = np.full((len(origins), horizon, values.shape[1]), np.nan)
        deviation = mean.copy()
        for step, solution in enumerate(self.solutions[:horizon]):
            mean[:, step] = design @ solution
            deviation[:, step] = np.where(np.isnan(mean[:, step]), np.nan, self.deviations[step])
        return Forecast(mean, deviation)


def fit(params: DirectParams, past: Past) -> Direct:
    """Fit a regression for each step that the train split is long enough for.

    Args:
        params: The settings of the family.
        past: The data.

    Returns:
        The forecaster.

    Raises:
        UnrollError: The train split is too short for the order.
    """
    order, train = params.order, past.train
    columns = train.shape[1]
    lags = values_before(train, np.arange(order, len(train)), order)
    fitted = Direct([], [])
    for ahead in range(min(past.horizon, len(lags))):  # k - 1
        before, targets = lags[: len(lags) - ahead], train[order + ahead :]
        complete = np.isfinite(before).all(1) & np.isfinite(targets).all(1)
        freedom = int(complete.sum()) - (order * columns + 1)
        if freedom < 1:
            break
        design = np.column_stack([np.ones(int(complete.sum())), before[complete]])
        solution = np.linalg.lstsq(design, targets[complete], rcond=None)[0]
        squares = ((targets[complete] - design @ solution) ** 2).sum(0)
        fitted.solutions.append(solution)
        fitted.deviations.append(np.sqrt(squares / freedom))
    if not fitted.solutions:
        complete = np.isfinite(lags).all(1) & np.isfinite(train[order:]).all(1)
        raise UnrollError(too_short(order, train, int(complete.sum())))
    return fitted
