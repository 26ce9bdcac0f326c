"""Rolling origins: which value each forecast is compared with, and errors computed by hand."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from unroll.series.forecaster import Floats, Forecast, Origins, Scale
from unroll.series.rolling import MIN_DEVIATION, measure_errors, roll


@dataclass
class Constant:
    """Forecasts the same for every step but the last, for which it has no forecast."""

    mean: float
    deviation: float
    parameters: int = 0

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        mean = np.full((len(origins), horizon), self.mean)
        mean[:, -1] = np.nan
        return Forecast(mean, np.where(np.isnan(mean), np.nan, self.deviation))


VALUES = np.array([0.0, 9.0, 1.0, 2.0, 4.0])
ONE = Scale(0.0, 1.0)


def test_origins_and_targets() -> None:
    rolled = roll(Constant(3.0, 2.0), VALUES, first=2, horizon=3, scale=ONE)
    assert rolled.origins.tolist() == [2, 3, 4, 5]
    np.testing.assert_array_equal(
        rolled.target, [[1, 2, 4], [2, 4, np.nan], [4, np.nan, np.nan], [np.nan, np.nan, np.nan]]
    )


def test_errors_computed_by_hand_and_absent_steps() -> None:
    one, two = measure_errors(roll(Constant(3.0, 2.0), VALUES, first=2, horizon=3, scale=ONE))
    assert (one.step, one.forecasts, two.step, two.forecasts) == (1, 3, 2, 2)  # step 3 has no forecast: absent
    assert one.rmse == pytest.approx(math.sqrt((4 + 1 + 1) / 3))
    assert one.mae == pytest.approx(4 / 3)
    assert one.nll == pytest.approx(0.5 * math.log(2 * math.pi * 4) + (4 + 1 + 1) / 3 / 8)
    assert one.within == pytest.approx(1.0)  # the error of 2 is on the border
    assert two.mae == pytest.approx(1.0)


def test_errors_are_in_the_units_of_the_series() -> None:
    (one,) = measure_errors(roll(Constant(3.0, 2.0), VALUES, first=2, horizon=2, scale=ONE))
    (other,) = measure_errors(roll(Constant(3.0, 2.0), 10 + 5 * VALUES, first=2, horizon=2, scale=Scale(10.0, 5.0)))
    assert other.rmse == pytest.approx(5 * one.rmse)
    assert other.mae == pytest.approx(5 * one.mae)
    assert other.nll == pytest.approx(one.nll + math.log(5))
    assert other.within == one.within


def test_a_step_beyond_the_test_part_is_absent() -> None:
    assert [row.step for row in measure_errors(roll(Constant(3.0, 2.0), VALUES, first=3, horizon=9, scale=ONE))] == [
        1,
        2,
    ]


def test_the_density_of_a_certain_forecast_is_bounded() -> None:
    (row,) = measure_errors(roll(Constant(1.0, 0.0), np.ones(4), first=3, horizon=2, scale=ONE))
    assert row.nll == pytest.approx(0.5 * math.log(2 * math.pi) + math.log(MIN_DEVIATION))
