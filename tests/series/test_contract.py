"""Laws of every forecaster."""

import numpy as np
import pytest

from tests.series import synthetic
from unroll.series import family
from unroll.series.forecaster import Forecaster

ORIGINS = np.array([120, 121, 140, 200])
HORIZON = 12


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    return synthetic.noisy_sine(240)


@pytest.fixture(scope="module", params=list(synthetic.FORECASTERS))
def forecaster(request: pytest.FixtureRequest, values: np.ndarray) -> Forecaster:
    return fitted(request.param, values)


def fitted(name: str, values: np.ndarray, seed: int = 1) -> Forecaster:
    section = synthetic.section(name)
    return family(section.family).fit(section, synthetic.past(values[:150], seed=seed))


def test_a_mean_and_a_deviation_for_every_origin_and_step(forecaster: Forecaster, values: np.ndarray) -> None:
    forecast = forecaster.forecast(values, ORIGINS, HORIZON)
    assert forecast.mean.shape == forecast.deviation.shape == (len(ORIGINS), HORIZON)
    assert np.isfinite(forecast.mean).all()
    assert (forecast.deviation > 0).all()
    assert forecaster.parameters >= 0


def test_a_forecast_does_not_depend_on_the_future(forecaster: Forecaster, values: np.ndarray) -> None:
    before = forecaster.forecast(values, ORIGINS, HORIZON)
    for row, origin in enumerate(ORIGINS):
        other = values.copy()
        other[origin:] = 1e3
        for future in (other, values[:origin]):
            after = forecaster.forecast(future, np.array([origin]), HORIZON)
            np.testing.assert_allclose(after.mean[0], before.mean[row], rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(after.deviation[0], before.deviation[row], rtol=1e-5, atol=1e-6)


def test_a_forecast_depends_on_the_past(values: np.ndarray) -> None:
    for name in set(synthetic.FORECASTERS) - {"sine"}:
        forecaster, other = fitted(name, values), values.copy()
        other[100:120] += 1.0
        before, after = (forecaster.forecast(v, np.array([120]), 1).mean[0, 0] for v in (values, other))
        assert abs(after - before) > 1e-3, name


def test_a_longer_horizon_does_not_change_earlier_steps(forecaster: Forecaster, values: np.ndarray) -> None:
    if isinstance(forecaster, family("latent").Latent):
        pytest.skip("the noise is drawn for the whole horizon")
    near, far = (forecaster.forecast(values, ORIGINS, horizon) for horizon in (3, HORIZON))
    np.testing.assert_allclose(far.mean[:, :3], near.mean, rtol=1e-12)
    np.testing.assert_allclose(far.deviation[:, :3], near.deviation, rtol=1e-12)


@pytest.mark.parametrize("name", list(synthetic.FORECASTERS))
def test_a_second_fit_is_equal_bit_for_bit(name: str, values: np.ndarray) -> None:
    first, second = (fitted(name, values).forecast(values, ORIGINS, HORIZON) for _ in range(2))
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.deviation, second.deviation)


def test_another_seed_gives_another_network(values: np.ndarray) -> None:
    first, second = (fitted("latent", values, seed).forecast(values, ORIGINS, 1).mean for seed in (1, 2))
    assert (first != second).any()


def test_no_forecast_without_the_values_that_it_needs(values: np.ndarray) -> None:
    needed = {"persistence": 1, "seasonal_naive": 10, "autoregression": 4, "latent": 1, "latent_lstm": 1, "sine": 0}
    for name, first in needed.items():
        forecast = fitted(name, values).forecast(values, np.arange(12), 1)
        np.testing.assert_array_equal(np.isfinite(forecast.mean[:, 0]), np.arange(12) >= first, err_msg=name)
        np.testing.assert_array_equal(np.isfinite(forecast.mean), np.isfinite(forecast.deviation))
