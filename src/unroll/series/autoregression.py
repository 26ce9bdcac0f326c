"""Family `autoregression`: the vector autoregression VAR(tau) by least squares (Luetkepohl 2005, sections 2.1 and 3.2).

    x_t = c + A_1 x_{t-1} + .. + A_tau x_{t-tau} + e_t          e_t Gaussian with covariance S

With one column it is AR(tau) (Box and Jenkins 1970; Dive into Deep Learning, section 9.1). c and A are the
least-squares estimates, and S is the matrix of products of the residuals over N - tau - (tau d + 1) degrees of freedom.
At later steps, the mean of each unobserved value replaces the value, and the errors of all steps add up with the
weights of the process as a moving average of infinite order:

    Psi_0 = I, Psi_j = A_1 Psi_{j-1} + .. + A_tau Psi_{j-tau}   covariance at k = sum over j < k of Psi_j S Psi_j^T

Missing values: a time whose value or previous values are incomplete is left out of the fit. A forecast is conditional
on the numbers that are observed (`unroll.series.kalman_filter`).
"""

from dataclasses import dataclass

import numpy as np

from unroll.errors import UnrollError
from unroll.params.series import AutoregressionParams
from unroll.series.forecaster import Floats, Forecast, Origins, Past
from unroll.series.kalman_filter import Process, filter_states
from unroll.series.lags import values_before


@dataclass(frozen=True)
class Autoregression:
    """A fitted autoregression."""

    intercept: Floats
    """The constant c (d,)."""
    weights: Floats
    """The matrices (tau, d, d) A_1, .., A_tau. The number [j, i, l] is the effect of x_{t-1-j} in column l on column
    i."""
    deviation: Floats
    """The standard deviations (d,) of the errors e_t."""
    correlation: Floats
    """The correlations (d, d) of the errors of one time; 1 on the diagonal."""

    @property
    def parameters(self) -> int:
        """The number of fitted parameters: c, A and S."""
        order, columns, _ = self.weights.shape
        return columns + order * columns**2 + columns * (columns + 1) // 2

    @property
    def regression(self) -> Floats:
        """The matrix (tau d, d) that the previous values, the latest first, are multiplied by."""
        return self.weights.transpose(0, 2, 1).reshape(-1, self.weights.shape[1])

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        """Forecast by the recursion of the means; see `Forecaster.forecast`."""
        order = len(self.weights)
        window = values_before(values, origins, order)
        mean = self._recursion(window, horizon)
        deviations = self.deviations(horizon)  # (K, d)
        deviation = np.where(np.isnan(mean), np.nan, deviations)
        incomplete = np.flatnonzero(np.isnan(window).any(1) & (origins >= order))
        states = filter_states(self._process(), values, origins[incomplete])
        for row, (state, factor) in zip(incomplete, states, strict=True):
            mean[row] = self._recursion(state[None], horizon)[0]
            spread = np.hypot(deviations, self._uncertainty(factor, horizon))
            deviation[row] = np.where(np.isnan(mean[row]), np.nan, spread)
        return Forecast(mean, deviation)

    def _recursion(self, window: Floats, horizon: int) -> Floats:
        """Return the means (O, K, d) after previous values (O, tau d)."""
        columns = len(self.intercept)
        mean = np.empty((len(window), horizon, columns))
        for step in range(horizon):
            # A product for each column, so that one column has the same bits as a scalar autoregression.
            mean[:, step] = self.intercept + np.column_stack([window @ w for w in self.regression.T])
            window = np.column_stack([mean[:, step], window[:, :-columns]])
        return mean

    def _uncertainty(self, factor: Floats, horizon: int) -> Floats:
        """Return the deviations (K, d) that come from previous values with the covariance F F^T, F (tau d, R)."""
        columns, found = len(self.intercept), []
        for _ in range(horizon):
            factor = np.concatenate([self.regression.T @ factor, factor[:-columns]])
            found.append(np.sqrt((factor[:columns] ** 2).sum(1)))
        return np.array(found)

    def deviations(self, horizon: int) -> Floats:
        """Return the standard deviations (K, d) at each step, after complete previous values."""
        unit = self.deviation.max() or 1.0
        relative = self.deviation / unit  # the errors of a single column have the covariance 1 in this unit
        covariance = self.correlation * np.outer(relative, relative)
        psi = self.moving_average(horizon)
        return unit * np.sqrt(np.maximum(np.cumsum(((psi @ covariance) * psi).sum(-1), axis=0), 0.0))

    def moving_average(self, count: int) -> Floats:
        """Return the first `count` weights (count, d, d) Psi_0, Psi_1, .. of the process as a moving average."""
        order, columns, _ = self.weights.shape
        psi = np.zeros((order + count, columns, columns))  # Psi_{-tau}, .., Psi_{-1} are 0
        psi[order] = np.eye(columns)
        for j in range(order + 1, order + count):
            before = psi[j - order : j][::-1]  # (tau, d, d)
            psi[j] = [[w @ before[:, :, column].reshape(-1) for column in range(columns)] for w in self.regression.T]
        return psi[order:]

    def _process(self) -> Process:
        covariance = self.correlation * np.outer(self.deviation, self.deviation)
        return Process(self.intercept, self.regression, covariance)


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
    columns = train.shape[1]
    lags, targets = values_before(train, np.arange(order, len(train)), order), train[order:]
    complete = np.isfinite(lags).all(1) & np.isfinite(targets).all(1)
    freedom = int(complete.sum()) - (order * columns + 1)
    if freedom < 1:
        raise UnrollError(too_short(order, train, int(complete.sum())))
    design = np.column_stack([np.ones(freedom + order * columns + 1), lags[complete]])
    solution = np.linalg.lstsq(design, targets[complete], rcond=None)[0]
    residuals = [target - design @ weights for target, weights in zip(targets[complete].T, solution.T, strict=True)]
    deviation = np.array([np.sqrt(residual @ residual / freedom) for residual in residuals])
    weights = solution[1:].reshape(order, columns, columns).transpose(0, 2, 1)
    return Autoregression(solution[0], weights, deviation, _correlate(residuals))


def too_short(order: int, train: Floats, complete: int) -> str:
    """Return the sentence on a train split that is too short for a regression on previous values.

    Args:
        order: The number of previous values.
        train: The train split (N, d).
        complete: The number of values that are complete, with the previous ones.

    Returns:
        The sentence, which begins with the parameter `order`.
    """
    needed, regression = order * train.shape[1] + 2, f"order: an autoregression of order {order}"
    if np.isfinite(train).all():
        has = f"needs at least {needed + order} values to fit, and the train split has {len(train)}"
    else:
        has = f"needs at least {needed} values that are complete, with those before them, and {complete} are"
    return f"{regression} {has}; lower the order or use a longer series"


def _correlate(residuals: list[Floats]) -> Floats:
    """Return the correlations (d, d) of residuals around zero; 0 with a column that has no error."""
    products = np.array([[one @ other for other in residuals] for one in residuals])
    lengths = np.sqrt(np.diag(products))
    lengths[lengths == 0] = 1.0
    correlation = products / np.outer(lengths, lengths)
    np.fill_diagonal(correlation, 1.0)
    return correlation
