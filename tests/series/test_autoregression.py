"""Autoregression: the coefficients of a known process, its variance at later steps, and a sine without noise."""

import numpy as np
import pytest

from tests.series import synthetic
from unroll.errors import UnrollError
from unroll.series import autoregression
from unroll.series.autoregression import Autoregression

WEIGHTS = np.array([1.2, -0.5])


def fit(values: np.ndarray, order: int, valid: int = 50) -> Autoregression:
    return autoregression.fit(synthetic.section("autoregression", order=order), synthetic.past(values, valid))


def test_the_coefficients_of_a_simulated_process_are_recovered() -> None:
    fitted = fit(synthetic.autoregressive(WEIGHTS, 20_000, seed=3, deviation=0.7, intercept=0.4), 2)
    np.testing.assert_allclose(fitted.weights, WEIGHTS, atol=0.02)  # standard error about 0.006
    assert fitted.intercept == pytest.approx(0.4, abs=0.03)
    assert fitted.deviation == pytest.approx(0.7, rel=0.02)
    assert fitted.parameters == 4


def test_least_squares_by_the_normal_equations() -> None:
    """An independent derivation: sums over t instead of a design matrix and a decomposition."""
    values = synthetic.autoregressive(WEIGHTS, 300, seed=4)
    train, order = values[:-50], 3
    fitted = fit(values, order)
    rows = [[1.0, *(train[t - lag] for lag in range(1, order + 1))] for t in range(order, len(train))]
    gram = [[sum(row[i] * row[j] for row in rows) for j in range(4)] for i in range(4)]
    moment = [sum(row[i] * train[t + order] for t, row in enumerate(rows)) for i in range(4)]
    np.testing.assert_allclose([fitted.intercept, *fitted.weights], np.linalg.solve(gram, moment), rtol=1e-9)
    squares = sum(
        (train[t + order] - fitted.intercept - sum(a * x for a, x in zip(fitted.weights, row[1:], strict=True))) ** 2
        for t, row in enumerate(rows)
    )
    assert fitted.deviation**2 == pytest.approx(squares / (len(rows) - 4))


def test_moving_average_weights_of_order_one_are_powers() -> None:
    np.testing.assert_allclose(Autoregression(0.0, np.array([0.8]), 1.0).moving_average(6), 0.8 ** np.arange(6))


def test_the_variance_at_later_steps_is_that_of_simulated_futures() -> None:
    process = Autoregression(0.3, WEIGHTS, 0.5)
    past = np.array([0.0, 1.0, 2.0])
    generator, futures = np.random.default_rng(5), np.tile(past, (100_000, 1))
    for _ in range(20):
        mean = 0.3 + futures[:, [-1, -2]] @ WEIGHTS
        futures = np.column_stack([futures, mean + 0.5 * generator.standard_normal(len(futures))])
    forecast = process.forecast(past, np.array([3]), 20)
    np.testing.assert_allclose(forecast.mean[0], futures[:, 3:].mean(0), atol=0.02)
    np.testing.assert_allclose(forecast.deviation[0], futures[:, 3:].std(0), rtol=0.015)


def test_a_forecast_computed_by_hand() -> None:
    forecast = Autoregression(1.0, np.array([0.5, 0.25]), 2.0).forecast(np.array([4.0, 8.0]), np.array([2]), 3)
    np.testing.assert_allclose(forecast.mean, [[6.0, 6.0, 5.5]])  # 1 + 4 + 1; 1 + 3 + 2; 1 + 3 + 1.5
    np.testing.assert_allclose(forecast.deviation**2, [[4.0, 5.0, 6.0]])  # psi: 1, 0.5, 0.5


def test_a_sine_without_noise_is_an_autoregression_of_order_two() -> None:
    """x_t = 2 cos(w) x_{t-1} - x_{t-2}."""
    values = synthetic.noisy_sine(200, noise=0.0, period=17.3)
    fitted = fit(values, 2)
    np.testing.assert_allclose(fitted.weights, [2 * np.cos(2 * np.pi / 17.3), -1], atol=1e-9)
    forecast = fitted.forecast(values, np.array([100]), 64)
    np.testing.assert_allclose(forecast.mean[0], values[100:164], atol=1e-9)
    assert forecast.deviation.max() < 1e-9


def test_a_series_too_short_for_the_order_is_refused() -> None:
    with pytest.raises(UnrollError, match="order 30 needs at least 62 values to fit, and the train split has 61"):
        fit(synthetic.noisy_sine(71), 30, valid=10)
    assert fit(synthetic.noisy_sine(72), 30, valid=10).deviation > 0


def test_agrees_with_statsmodels() -> None:
    models = pytest.importorskip("statsmodels.tsa.ar_model", reason="statsmodels is not installed")
    values = synthetic.autoregressive(WEIGHTS, 400, seed=6)
    fitted, peer = fit(values, 5), models.AutoReg(values[:-50], 5).fit()
    np.testing.assert_allclose([fitted.intercept, *fitted.weights], peer.params, rtol=1e-8)
    ours = fitted.forecast(values[:-50], np.array([350]), 10)
    theirs = peer.get_prediction(350, 359)
    np.testing.assert_allclose(ours.mean[0], theirs.predicted_mean, rtol=1e-8)
    # statsmodels divides by N - tau, we divide by the degrees of freedom
    np.testing.assert_allclose(ours.deviation[0], theirs.se_mean * np.sqrt(345 / 339), rtol=1e-6)
