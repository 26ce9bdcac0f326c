"""Family `autoregression`: AR(tau) by least squares (Box and Jenkins 1970; Dive into Deep Learning, section 9.1).

    x_t = c + a_1 x_{t-1} + .. + a_tau x_{t-tau} + e_t          e_t Gaussian with deviation s

c and a are the least-squares estimates, and s^2 is the residual sum of squares over N - tau - (tau + 1) degrees of
freedom. At later steps, the mean of each unobserved value replaces the value, and the errors of all steps add up with
the weights of the process as a moving average of infinite order (Box and Jenkins 1970, section 5.1):

    psi_0 = 1, psi_j = a_1 psi_{j-1} + .. + a_tau psi_{j-tau}   variance at k = s^2 (psi_0^2 + .. + psi_{k-1}^2)
"""

from dataclasses import dataclass

import numpy as np

from unroll.errors import UnrollError
from unroll.params.series import AutoregressionParams
from unroll.series.forecaster import Floats, Forecast, Origins, Past


@dataclass(frozen=True)
class Autoregression:
    """A fitted autoregression."""

    intercept: float
    """The constant c."""
    weights: Floats
    """The coefficients (tau,) a_1, .., a_tau."""
    deviation: float
    """The standard deviation s of the errors."""

    @property
    def parameters(self) -> int:
        """The number of fitted parameters: c, a and s."""
        return len(self.weights) + 2

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        """Forecast by the recursion of the means; see `Forecaster.forecast`."""
        order = len(self.weights)
        possible = origins >= order
        rows = np.maximum(origins, order)[:, None] - np.arange(1, order + 1)
        window = values[np.minimum(rows, len(values) - 1)]  # (O, tau), the latest first
        mean = np.full((len(origins), horizon), np.nan)
        for step in range(horizon):
            mean[possible, step] = (self.intercept + window @ self.weights)[possible]
            window = np.column_stack([mean[:, step], window[:, :-1]])
        deviation = self.deviation * np.sqrt(np.cumsum(self.moving_average(horizon) ** 2))  # (K,)
        return Forecast(mean, np.where(np.isnan(mean), np.nan, deviation))

    def moving_average(self, count: int) -> Floats:
        """Return the first `count` weights psi_0, psi_1, .. of the process as a moving average."""
        order = len(self.weights)
        psi = np.zeros(order + count)  # psi_{-tau}, .., psi_{-1} are 0
        psi[order] = 1.0
        for j in range(order + 1, order + count):
            psi[j] = self.weights @ psi[j - order : j][::-1]
        return psi[order:]


def fit(params: AutoregressionParams, past: Past) -> Autoregression:
    """Fit the coefficients to the train split by least squares.

    Args:
        params: The settings of the family.
        past: The data.

    Returns:
        The autoregression.

    Raises:
        UnrollError: The train split is too short for the order.
    """
    order, train = params.order, past.train
    freedom = len(train) - order - (order + 1)
    if freedom < 1:
        raise UnrollError(
            f"order: an autoregression of order {order} needs at least {2 * order + 2} values to fit, and the train "
            f"split has {len(train)}; lower the order or use a longer series"
        )
    lags = np.lib.stride_tricks.sliding_window_view(train[:-1], order)[:, ::-1]  # (N - tau, tau), the latest first
    design = np.column_stack([np.ones(len(lags)), lags])
    solution = np.linalg.lstsq(design, train[order:], rcond=None)[0]
    residuals = train[order:] - design @ solution
    return Autoregression(float(solution[0]), solution[1:], float(np.sqrt(residuals @ residuals / freedom)))
