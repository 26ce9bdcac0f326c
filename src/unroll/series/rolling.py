"""Rolling-origin evaluation of a forecaster (Tashman 2000).

The next 1, .., K values are forecast at every origin of the test part, and each step is measured over all origins
whose value at that step is in the test part.
"""

import math
from dataclasses import dataclass

import numpy as np

from unroll.series.forecaster import Floats, Forecast, Forecaster, Origins, Scale

MIN_DEVIATION = 1e-6
"""The smallest deviation of a forecast, in units of the scale: it bounds the density of a certain forecast."""


@dataclass(frozen=True)
class RollingForecasts:
    """Forecasts at all origins of the test part, in the units of the series."""

    origins: Origins
    """The origins (O,): from the position of the first test value to the end T of the series."""
    target: Floats
    """The observed values (O, K); NaN beyond the end of the series."""
    forecast: Forecast
    """The forecasts (O, K)."""


def roll(forecaster: Forecaster, values: Floats, first: int, horizon: int, scale: Scale) -> RollingForecasts:
    """Forecast at every origin of the test part.

    Args:
        forecaster: The fitted forecaster.
        values: The whole series (T,) in its own units.
        first: The position of the first test value.
        horizon: The number K of steps.
        scale: The scale of the forecaster's values.

    Returns:
        The forecasts and the values to compare them with.
    """
    origins = np.arange(first, len(values) + 1)
    scaled = forecaster.forecast(scale.apply(values), origins, horizon)
    deviation = np.maximum(scaled.deviation, MIN_DEVIATION) * scale.unit
    padded = np.concatenate([values[first:], np.full(horizon, np.nan)])
    target = np.lib.stride_tricks.sliding_window_view(padded, horizon)[: len(origins)]
    return RollingForecasts(origins, target, Forecast(scale.invert(scaled.mean), deviation))


@dataclass(frozen=True)
class StepErrors:
    """The errors of all forecasts of one step, in the units of the series."""

    step: int
    """The step k."""
    forecasts: int
    """The number of forecasts that have a value to compare with."""
    rmse: float
    """Root mean square error."""
    mae: float
    """Mean absolute error."""
    nll: float
    """Mean negative log density, in nats."""
    within: float
    """The share of values within one deviation of the mean: 0.683 if the values are Gaussian and the deviations are
    right."""


def measure_errors(forecasts: RollingForecasts) -> list[StepErrors]:
    """Measure the errors by step, without the steps that have nothing to measure."""
    rows = []
    for column in range(forecasts.target.shape[1]):
        target, mean = forecasts.target[:, column], forecasts.forecast.mean[:, column]
        measured = np.isfinite(target) & np.isfinite(mean)
        if not measured.any():
            continue
        error, deviation = (target - mean)[measured], forecasts.forecast.deviation[measured, column]
        z = error / deviation
        rows.append(
            StepErrors(
                step=column + 1,
                forecasts=int(measured.sum()),
                rmse=float(np.sqrt(np.mean(error**2))),
                mae=float(np.mean(np.abs(error))),
                nll=float(np.mean(0.5 * math.log(2 * math.pi) + np.log(deviation) + 0.5 * z**2)),
                within=float(np.mean(np.abs(z) <= 1)),
            )
        )
    return rows
