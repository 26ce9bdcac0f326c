"""Persistence and seasonal-naive: worked numbers."""

import numpy as np

from tests.series import made
from unroll.series import persistence, seasonal_naive

VALUES = np.array([1.0, 2.0, 4.0, 7.0, 3.0, 5.0, 9.0])  # the last two are valid: train is 1 2 4 7 3
NAIVE = made.section("persistence")
SEASONAL = made.section("seasonal_naive", season=3)


def test_persistence_says_the_last_value() -> None:
    found = persistence.fit(NAIVE, made.past(VALUES, valid=2)).forecast(VALUES, np.array([4, 6]), 3)
    np.testing.assert_array_equal(found.mean, [[7, 7, 7], [5, 5, 5]])
    # differences of train at lag 1: 1 2 3 -4; at lag 2: 3 5 -1; at lag 3: 6 1
    np.testing.assert_allclose(found.deviation[0] ** 2, [30 / 4, 35 / 3, 37 / 2])
    np.testing.assert_array_equal(found.deviation[1], found.deviation[0])


def test_seasonal_naive_says_the_value_a_season_before() -> None:
    found = seasonal_naive.fit(SEASONAL, made.past(VALUES, valid=2)).forecast(VALUES, np.array([6]), 3)
    np.testing.assert_array_equal(found.mean, [[7, 3, 5]])
    np.testing.assert_allclose(found.deviation[0] ** 2, [37 / 2] * 3)  # of lag 3: 6 1


def test_steps_beyond_a_season_take_as_many_seasons_as_they_need() -> None:
    values = np.arange(20.0)
    found = seasonal_naive.fit(SEASONAL, made.past(values, valid=5)).forecast(values, np.array([10]), 7)
    np.testing.assert_array_equal(found.mean, [[7, 8, 9, 7, 8, 9, 7]])
    np.testing.assert_allclose(found.deviation, [[3, 3, 3, 6, 6, 6, 9]])


def test_a_step_that_train_cannot_tell_the_deviation_of_is_absent() -> None:
    found = persistence.fit(NAIVE, made.past(VALUES, valid=2)).forecast(VALUES, np.array([4]), 5)
    assert np.isfinite(found.mean).tolist() == [[True, True, True, False, False]]  # one difference at lag 4, none at 5
    assert np.isfinite(found.deviation).tolist() == [[True, True, True, False, False]]
