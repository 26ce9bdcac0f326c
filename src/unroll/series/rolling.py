"""Rolling-origin evaluation: at every origin of the test part the steps 1 .. K ahead are forecast, and each step is
measured over all origins whose value that far ahead is in the test part too (Tashman 2000)."""

import math
from dataclasses import dataclass

import numpy as np

from unroll.series.forecaster import Floats, Forecast, Forecaster, Origins
from unroll.text.series import Scale

LEAST = 1e-6
"""Deviation, in those of the train split: below it a forecast is called certain, and its density is no larger."""


@dataclass(frozen=True)
class Rolled:
    """In the units of the series."""

    origins: Origins
    """(O,) the first test value's position .. T: from the last one nothing is left to compare with."""
    target: Floats
    """(O, K) what came; NaN beyond the end of the series."""
    forecast: Forecast
    """(O, K)"""


def roll(forecaster: Forecaster, values: Floats, first: int, horizon: int, scale: Scale) -> Rolled:
    """`values` (T,) in their own units; those from `first` on are the test part."""
    origins = np.arange(first, len(values) + 1)
    made = forecaster.forecast(scale.apply(values), origins, horizon)
    deviation = np.maximum(made.deviation, LEAST) * scale.unit
    padded = np.concatenate([values[first:], np.full(horizon, np.nan)])
    target = np.lib.stride_tricks.sliding_window_view(padded, horizon)[: len(origins)]
    return Rolled(origins, target, Forecast(scale.invert(made.mean), deviation))


@dataclass(frozen=True)
class Errors:
    """Of all forecasts `step` values ahead, in the units of the series."""

    step: int
    forecasts: int
    rmse: float
    mae: float
    nll: float
    """Mean negative log density, in nats."""
    within: float
    """Share of values within one deviation of the mean: 0.683 of a Gaussian that tells the truth."""


def errors(rolled: Rolled) -> list[Errors]:
    """A row per step that has any forecast to measure; the others are absent."""
    found = []
    for column in range(rolled.target.shape[1]):
        target, mean = rolled.target[:, column], rolled.forecast.mean[:, column]
        known = np.isfinite(target) & np.isfinite(mean)
        if not known.any():
            continue
        error, deviation = (target - mean)[known], rolled.forecast.deviation[known, column]
        z = error / deviation
        found.append(
            Errors(
                column + 1,
                int(known.sum()),
                float(np.sqrt(np.mean(error**2))),
                float(np.mean(np.abs(error))),
                float(np.mean(0.5 * math.log(2 * math.pi) + np.log(deviation) + 0.5 * z**2)),
                float(np.mean(np.abs(z) <= 1)),
            )
        )
    return found
