"""Rolling-origin evaluation of a forecaster (Tashman 2000).

The next 1, .., K values are forecast at every origin of the test part, and each step is measured over all origins
whose value at that step is in the test part and observed.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unroll.series.forecaster import Floats, Forecast, Forecaster, Origins, Scale

MIN_DEVIATION = 1e-6
"""The smallest deviation of a forecast, in units of the scale: it bounds the density of a certain forecast."""


@dataclass(frozen=True)
class RollingForecasts:
    """Forecasts at all origins of the test part."""

    origins: Origins
    """The origins (O,): from the position of the first test value to the end T of the series."""
    target: Floats
    """The observed values (O, K, d); NaN for missing numbers and beyond the end of the series."""
    forecast: Forecast
    """The forecasts (O, K, d)."""

    def select(self, column: int) -> "RollingForecasts":
        """Return the forecasts of one column, with d = 1."""
        mean, deviation = self.forecast.mean[..., [column]], self.forecast.deviation[..., [column]]
        return replace(self, target=self.target[..., [column]], forecast=Forecast(mean, deviation))

    def standardize(self, scale: Scale) -> "RollingForecasts":
        """Return the same forecasts in the units of a scale."""
        forecast = Forecast(scale.apply(self.forecast.mean), self.forecast.deviation / scale.unit)
        return replace(self, target=scale.apply(self.target), forecast=forecast)


def roll(forecaster: Forecaster, values: Floats, first: int, horizon: int, scale: Scale) -> RollingForecasts:
    """Forecast at every origin of the test part.

    Args:
        forecaster: The fitted forecaster.
        values: The whole series (T, d) in its own units.
        first: The position of the first test value.
        horizon: The number K of steps.
        scale: The scale of the forecaster's values.

    Returns:
        The forecasts and the values to compare them with, in the units of the series.
    """
    origins = np.arange(first, len(values) + 1)
    scaled = forecaster.forecast(scale.apply(values), origins, horizon)
    deviation = np.maximum(scaled.deviation, MIN_DEVIATION) * scale.unit
    padded = np.concatenate([values[first:], np.full((horizon, values.shape[1]), np.nan)])
    target = np.lib.stride_tricks.sliding_window_view(padded, horizon, axis=0)[: len(origins)]  # (O, d, K)
    return RollingForecasts(origins, target.transpose(0, 2, 1), Forecast(scale.invert(scaled.mean), deviation))


def find_measured(forecasts: Iterable[RollingForecasts]) -> NDArray[np.bool_]:
    """Return which numbers (O, K, d) are measured: those that every forecaster of their step and column has forecast.

    So all forecasters are compared on the same numbers, also where missing values leave one of them without a forecast.
    A forecaster that never forecasts a step, since the train split is too short, does not count for it.

    Args:
        forecasts: The forecasts of each forecaster, at least one.
    """
    measured = np.array(True)
    for one in forecasts:
        possible = np.isfinite(one.forecast.mean)
        measured = measured & np.isfinite(one.target) & (possible | ~possible.any(0))
    return measured


@dataclass(frozen=True)
class StepErrors:
    """The errors of all forecasts of one step."""

    step: int
    """The step k."""
    forecasts: int
    """The number of forecasts that have a number to compare with."""
    rmse: float
    """Root mean square error."""
    mae: float
    """Mean absolute error."""
    nll: float
    """Mean negative log density, in nats."""
    within: float
    """The share of numbers within one deviation of the mean: 0.683 if they are Gaussian and the deviations are
    right."""


def measure_errors(forecasts: RollingForecasts, measured: NDArray[np.bool_]) -> list[StepErrors]:
    """Measure the errors by step over all columns, without the steps that have nothing to measure.

    Args:
        forecasts: The forecasts.
        measured: Which numbers (O, K, d) to measure.

    Returns:
        The errors of each step, in the units of the forecasts.
    """
    rows = []
    for index in range(forecasts.target.shape[1]):
        target, mean = forecasts.target[:, index], forecasts.forecast.mean[:, index]  # (O, d)
        chosen = measured[:, index] & np.isfinite(mean)
        if not chosen.any():
            continue
        error, deviation = (target - mean)[chosen], forecasts.forecast.deviation[:, index][chosen]
        z = error / deviation
        rows.append(
            StepErrors(
                step=index + 1,
                forecasts=int(chosen.sum()),
                rmse=float(np.sqrt(np.mean(error**2))),
                mae=float(np.mean(np.abs(error))),
                nll=float(np.mean(0.5 * math.log(2 * math.pi) + np.log(deviation) + 0.5 * z**2)),
                within=float(np.mean(np.abs(z) <= 1)),
            )
        )
    return rows
