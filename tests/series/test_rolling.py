"""Rolling origins: which value each forecast is compared with, and errors computed by hand."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from unroll.series.forecaster import Floats, Forecast, Origins, Scale
from unroll.series.rolling import MIN_DEVIATION, RollingForecasts, StepErrors, find_measured, measure_errors, roll


@dataclass
class Constant:
    """Forecasts the same for every step but the last, for which it has no forecast."""

    mean: float
    deviation: float
    parameters: int = 0

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        mean = np.full((len(origins), horizon, values.shape[1]), self.mean)
        mean[:, -1] = np.nan
        return Forecast(mean, np.where(np.isnan(mean), np.nan, self.deviation))


VALUES = np.array([[0.0], [9.0], [1.0], [2.0], [4.0]])
ONE = Scale(np.zeros(1), np.ones(1))


def measure(rolled: RollingForecasts) -> list[StepErrors]:
    return measure_errors(rolled, find_measured([rolled]))


def test_origins_and_targets() -> None:
    rolled = roll(Constant(3.0, 2.0), VALUES, first=2, horizon=3, scale=ONE)
    assert rolled.origins.tolist() == [2, 3, 4, 5]
    np.testing.assert_array_equal(
        rolled.target[..., 0], [[1, 2, 4], [2, 4, np.nan], [4, np.nan, np.nan], [np.nan, np.nan, np.nan]]
    )


def test_errors_computed_by_hand_and_absent_steps() -> None:
    one, two = measure(roll(Constant(3.0, 2.0), VALUES, first=2, horizon=3, scale=ONE))
    assert (one.step, one.forecasts, two.step, two.forecasts) == (1, 3, 2, 2)  # step 3 has no forecast: absent
    assert one.rmse == pytest.approx(math.sqrt((4 + 1 + 1) / 3))
    assert one.mae == pytest.approx(4 / 3)
    assert one.nll == pytest.approx(0.5 * math.log(2 * math.pi * 4) + (4 + 1 + 1) / 3 / 8)
    assert one.within == pytest.approx(1.0)  # the error of 2 is on the border
    assert two.mae == pytest.approx(1.0)


def test_errors_are_in_the_units_of_the_series() -> None:
    scale = Scale(np.array([10.0]), np.array([5.0]))
    (one,) = measure(roll(Constant(3.0, 2.0), VALUES, first=2, horizon=2, scale=ONE))
    rolled = roll(Constant(3.0, 2.0), 10 + 5 * VALUES, first=2, horizon=2, scale=scale)
    (other,) = measure(rolled)
    assert other.rmse == pytest.approx(5 * one.rmse)
    assert other.mae == pytest.approx(5 * one.mae)
    assert other.nll == pytest.approx(one.nll + math.log(5))
    assert other.within == one.within
    (back,) = measure(rolled.standardize(scale))
    assert back.rmse == pytest.approx(one.rmse)
    assert back.nll == pytest.approx(one.nll)


def test_errors_of_two_columns_together_and_of_each() -> None:
    values = np.column_stack([VALUES[:, 0], [0.0, 0.0, 3.0, np.nan, 3.0]])
    rolled = roll(Constant(3.0, 2.0), values, first=2, horizon=2, scale=Scale(np.zeros(2), np.ones(2)))
    (both,), (first,), (second,) = (measure(part) for part in (rolled, rolled.select(0), rolled.select(1)))
    assert (both.forecasts, first.forecasts, second.forecasts) == (5, 3, 2)  # a missing number is not measured
    assert first.mae == pytest.approx(4 / 3)
    assert second.mae == pytest.approx(0.0)
    assert both.mae == pytest.approx(4 / 5)
    assert both.nll == pytest.approx((3 * first.nll + 2 * second.nll) / 5)


def test_all_forecasters_are_measured_on_the_same_numbers() -> None:
    """A forecaster that has no forecast at an origin takes it from all; one that never forecasts a step does not."""
    full = roll(Constant(3.0, 2.0), VALUES, first=2, horizon=3, scale=ONE)
    mean = full.forecast.mean.copy()
    mean[0], mean[:, 1] = np.nan, np.nan
    partial = RollingForecasts(full.origins, full.target, Forecast(mean, np.where(np.isnan(mean), np.nan, 1.0)))
    measured = find_measured([full, partial])
    assert [(row.step, row.forecasts) for row in measure_errors(full, measured)] == [(1, 2), (2, 2)]
    assert [(row.step, row.forecasts) for row in measure_errors(partial, measured)] == [(1, 2)]


def test_a_step_beyond_the_test_part_is_absent() -> None:
    assert [row.step for row in measure(roll(Constant(3.0, 2.0), VALUES, first=3, horizon=9, scale=ONE))] == [1, 2]


def test_the_density_of_a_certain_forecast_is_bounded() -> None:
    (row,) = measure(roll(Constant(1.0, 0.0), np.ones((4, 1)), first=3, horizon=2, scale=ONE))
    assert row.nll == pytest.approx(0.5 * math.log(2 * math.pi) + math.log(MIN_DEVIATION))
