"""Laws of every forecaster, for series of one, two and five columns."""

import numpy as np
import pytest

from tests.series import synthetic
from unroll.series import family
from unroll.series.forecaster import Floats, Forecaster

ORIGINS = np.array([120, 121, 140, 200])
HORIZON = 12
NEEDED = {
    **{"persistence": 1, "seasonal_naive": 10, "autoregression": 4, "direct": 4, "latent": 1, "latent_lstm": 1},
    **{"sine": 0, "var_process": 2},
}
"""The number of values that a forecast needs."""
CASES = [
    (name, columns)
    for name in synthetic.FORECASTERS
    for columns in (1, 2, 5)
    if name != "sine" or columns == 1  # a corpus of source sine has one column
]


def sampled(name: str, columns: int) -> Floats:
    """A series of the distribution that the oracles know."""
    return synthetic.noisy_sine(240) if name == "sine" else synthetic.vectors(columns)


def fitted(name: str, values: Floats, seed: int = 1) -> Forecaster:
    section, past = synthetic.section(name), synthetic.past(values[:150], seed=seed, horizon=HORIZON)
    if name == "var_process":
        past = synthetic.past_of_process(values[:150], seed=seed, horizon=HORIZON)
    return family(section.family).fit(section, past)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def case(request: pytest.FixtureRequest) -> tuple[str, Forecaster, Floats]:
    name, columns = request.param
    values = sampled(name, columns)
    return name, fitted(name, values), values


def test_a_mean_and_a_deviation_for_every_origin_step_and_column(case: tuple[str, Forecaster, Floats]) -> None:
    _, forecaster, values = case
    forecast = forecaster.forecast(values, ORIGINS, HORIZON)
    assert forecast.mean.shape == forecast.deviation.shape == (len(ORIGINS), HORIZON, values.shape[1])
    assert np.isfinite(forecast.mean).all()
    assert (forecast.deviation > 0).all()
    assert forecaster.parameters >= 0


def test_a_forecast_does_not_depend_on_the_future(case: tuple[str, Forecaster, Floats]) -> None:
    _, forecaster, values = case
    before = forecaster.forecast(values, ORIGINS, HORIZON)
    for row, origin in enumerate(ORIGINS):
        other = values.copy()
        other[origin:] = 1e3
        missing = values.copy()
        missing[origin:] = np.nan
        for future in (other, missing, values[:origin]):
            after = forecaster.forecast(future, np.array([origin]), HORIZON)
            np.testing.assert_allclose(after.mean[0], before.mean[row], rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(after.deviation[0], before.deviation[row], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "columns"), CASES)
def test_a_forecast_depends_on_the_past(name: str, columns: int) -> None:
    if name == "sine":
        pytest.skip("the oracle of a sine needs no past")
    values = sampled(name, columns)
    forecaster, other = fitted(name, values), values.copy()
    other[100:120] += 1.0
    before, after = (forecaster.forecast(v, np.array([120]), 1).mean[0, 0] for v in (values, other))
    assert (abs(after - before) > 1e-3).all()


def test_a_longer_horizon_does_not_change_earlier_steps(case: tuple[str, Forecaster, Floats]) -> None:
    name, forecaster, values = case
    if name.startswith("latent"):
        pytest.skip("the noise is drawn for the whole horizon")
    near, far = (forecaster.forecast(values, ORIGINS, horizon) for horizon in (3, HORIZON))
    np.testing.assert_allclose(far.mean[:, :3], near.mean, rtol=1e-12)
    np.testing.assert_allclose(far.deviation[:, :3], near.deviation, rtol=1e-12)


@pytest.mark.parametrize(("name", "columns"), CASES)
def test_a_second_fit_is_equal_bit_for_bit(name: str, columns: int) -> None:
    values = sampled(name, columns)
    first, second = (fitted(name, values).forecast(values, ORIGINS, HORIZON) for _ in range(2))
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.deviation, second.deviation)


def test_another_seed_gives_another_network() -> None:
    values = synthetic.vectors(2)
    first, second = (fitted("latent", values, seed).forecast(values, ORIGINS, 1).mean for seed in (1, 2))
    assert (first != second).any()


@pytest.mark.parametrize(("name", "columns"), CASES)
def test_no_forecast_without_the_values_that_it_needs(name: str, columns: int) -> None:
    values = sampled(name, columns)
    forecast = fitted(name, values).forecast(values, np.arange(12), 1)
    expected = np.tile((np.arange(12) >= NEEDED[name])[:, None], (1, columns))
    np.testing.assert_array_equal(np.isfinite(forecast.mean[:, 0]), expected)
    np.testing.assert_array_equal(np.isfinite(forecast.mean), np.isfinite(forecast.deviation))


@pytest.mark.parametrize("columns", [2, 5])
@pytest.mark.parametrize("name", ["persistence", "seasonal_naive", "autoregression", "direct"])
def test_a_permutation_of_the_columns_permutes_the_forecasts(name: str, columns: int) -> None:
    """tests/series/test_latent.py has this law for the network, whose first weights are random."""
    values, order = synthetic.vectors(columns), np.roll(np.arange(columns), 1)
    values[130, 0] = np.nan
    one = fitted(name, values).forecast(values, ORIGINS, HORIZON)
    other = fitted(name, values[:, order]).forecast(values[:, order], ORIGINS, HORIZON)
    np.testing.assert_allclose(other.mean, one.mean[..., order], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(other.deviation, one.deviation[..., order], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["persistence", "seasonal_naive"])
def test_each_column_is_forecast_as_if_it_were_alone(name: str) -> None:
    """The forecasters without coefficients do not combine columns."""
    values = synthetic.vectors(3)
    values[[50, 119, 139], [0, 1, 1]] = np.nan
    together = fitted(name, values).forecast(values, ORIGINS, HORIZON)
    for column in range(3):
        alone = fitted(name, values[:, [column]]).forecast(values[:, [column]], ORIGINS, HORIZON)
        np.testing.assert_array_equal(together.mean[..., [column]], alone.mean)
        np.testing.assert_array_equal(together.deviation[..., [column]], alone.deviation)


@pytest.mark.parametrize(("name", "columns"), CASES)
def test_a_missing_number_is_not_read(name: str, columns: int) -> None:
    """What a table has in its place changes nothing, and forecasts that do not reach it do not change."""
    values = sampled(name, columns)
    forecaster, missing = fitted(name, values), values.copy()
    missing[125, 0] = np.nan
    before, after = (forecaster.forecast(v, ORIGINS, HORIZON) for v in (values, missing))
    for part in ("mean", "deviation"):
        a, b = getattr(before, part), getattr(after, part)
        np.testing.assert_allclose(a[:2], b[:2], rtol=1e-6)  # origins 120 and 121 are before it
    if name in ("persistence", "seasonal_naive", "autoregression", "direct", "var_process"):
        np.testing.assert_allclose(after.mean[2:], before.mean[2:])  # origins 140 and 200: it is out of reach by then
    np.testing.assert_array_equal(np.isnan(after.mean), np.isnan(after.deviation))


@pytest.mark.parametrize(("name", "columns"), CASES)
def test_missing_values_are_survived_in_the_fit_and_at_the_origin(name: str, columns: int) -> None:
    values = sampled(name, columns)
    values[20:26] = np.nan
    values[119, 0] = values[60, -1] = values[120] = np.nan
    forecast = fitted(name, values).forecast(values, ORIGINS, HORIZON)
    finite = np.isfinite(forecast.mean).all((1, 2))
    # A direct regression has no forecast after an incomplete value.
    assert finite.tolist() == ([False, False, True, True] if name == "direct" else [True] * 4)
    np.testing.assert_array_equal(np.isnan(forecast.mean), np.isnan(forecast.deviation))
