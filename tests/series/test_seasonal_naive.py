"""Persistence and seasonal-naive: worked numbers."""

import numpy as np

from tests.series import synthetic
from unroll.series import persistence, seasonal_naive

VALUES = np.array([[1.0], [2.0], [4.0], [7.0], [3.0], [5.0], [9.0]])  # the last two are valid: train is 1 2 4 7 3
NAIVE = synthetic.section("persistence")
SEASONAL = synthetic.section("seasonal_naive", season=3)


def test_persistence_forecasts_the_last_value() -> None:
    forecast = persistence.fit(NAIVE, synthetic.past(VALUES, valid=2)).forecast(VALUES, np.array([4, 6]), 3)
    np.testing.assert_array_equal(forecast.mean[..., 0], [[7, 7, 7], [5, 5, 5]])
    # differences of train at lag 1: 1 2 3 -4; at lag 2: 3 5 -1; at lag 3: 6 1
    np.testing.assert_allclose(forecast.deviation[0, :, 0] ** 2, [30 / 4, 35 / 3, 37 / 2])
    np.testing.assert_array_equal(forecast.deviation[1], forecast.deviation[0])


def test_seasonal_naive_forecasts_the_value_one_season_earlier() -> None:
    forecast = seasonal_naive.fit(SEASONAL, synthetic.past(VALUES, valid=2)).forecast(VALUES, np.array([6]), 3)
    np.testing.assert_array_equal(forecast.mean[..., 0], [[7, 3, 5]])
    np.testing.assert_allclose(forecast.deviation[0, :, 0] ** 2, [37 / 2] * 3)  # of lag 3: 6 1


def test_steps_beyond_a_season_go_back_as_many_seasons_as_needed() -> None:
    values = np.arange(20.0)[:, None]
    forecast = seasonal_naive.fit(SEASONAL, synthetic.past(values, valid=5)).forecast(values, np.array([10]), 7)
    np.testing.assert_array_equal(forecast.mean[..., 0], [[7, 8, 9, 7, 8, 9, 7]])
    np.testing.assert_allclose(forecast.deviation[..., 0], [[3, 3, 3, 6, 6, 6, 9]])


def test_a_missing_number_is_that_of_one_more_season_earlier() -> None:
    values = np.column_stack([np.arange(20.0), 2 * np.arange(20.0)])
    values[[7, 4, 8], [0, 0, 1]] = np.nan
    forecast = seasonal_naive.fit(SEASONAL, synthetic.past(values, valid=5)).forecast(values, np.array([10]), 3)
    np.testing.assert_array_equal(forecast.mean[0], [[1, 14], [8, 10], [9, 18]])
    np.testing.assert_allclose(forecast.deviation[0], [[9, 6], [3, 12], [3, 6]])  # of lags 9 and 3; 3 and 6; 3 and 3


def test_a_step_for_which_train_gives_no_deviation_is_absent() -> None:
    forecast = persistence.fit(NAIVE, synthetic.past(VALUES, valid=2)).forecast(VALUES, np.array([4]), 5)
    # one difference at lag 4, none at 5
    assert np.isfinite(forecast.mean[..., 0]).tolist() == [[True, True, True, False, False]]
    assert np.isfinite(forecast.deviation[..., 0]).tolist() == [[True, True, True, False, False]]
