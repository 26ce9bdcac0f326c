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


def scalar(intercept: float, weights: np.ndarray, deviation: float) -> Autoregression:
    """AR(tau) of one column."""
    return Autoregression(np.array([intercept]), weights[:, None, None], np.array([deviation]), np.ones((1, 1)))


def test_the_coefficients_of_a_simulated_process_are_recovered() -> None:
    fitted = fit(synthetic.autoregressive(WEIGHTS, 20_000, seed=3, deviation=0.7, intercept=0.4), 2)
    np.testing.assert_allclose(fitted.weights[:, 0, 0], WEIGHTS, atol=0.02)  # standard error about 0.006
    assert fitted.intercept[0] == pytest.approx(0.4, abs=0.03)
    assert fitted.deviation[0] == pytest.approx(0.7, rel=0.02)
    assert fitted.parameters == 4


def test_least_squares_by_the_normal_equations() -> None:
    """An independent derivation: sums over t instead of a design matrix and a decomposition."""
    values = synthetic.autoregressive(WEIGHTS, 300, seed=4)
    train, order = values[:-50, 0], 3
    fitted = fit(values, order)
    rows = [[1.0, *(train[t - lag] for lag in range(1, order + 1))] for t in range(order, len(train))]
    gram = [[sum(row[i] * row[j] for row in rows) for j in range(4)] for i in range(4)]
    moment = [sum(row[i] * train[t + order] for t, row in enumerate(rows)) for i in range(4)]
    found = [fitted.intercept[0], *fitted.weights[:, 0, 0]]
    np.testing.assert_allclose(found, np.linalg.solve(gram, moment), rtol=1e-9)
    squares = sum(
        (train[t + order] - found[0] - sum(a * x for a, x in zip(found[1:], row[1:], strict=True))) ** 2
        for t, row in enumerate(rows)
    )
    assert fitted.deviation[0] ** 2 == pytest.approx(squares / (len(rows) - 4))


def test_moving_average_weights_of_order_one_are_powers() -> None:
    found = scalar(0.0, np.array([0.8]), 1.0).moving_average(6)
    np.testing.assert_allclose(found[:, 0, 0], 0.8 ** np.arange(6))


def test_the_variance_at_later_steps_is_that_of_simulated_futures() -> None:
    process = scalar(0.3, WEIGHTS, 0.5)
    past = np.array([0.0, 1.0, 2.0])
    generator, futures = np.random.default_rng(5), np.tile(past, (100_000, 1))
    for _ in range(20):
        mean = 0.3 + futures[:, [-1, -2]] @ WEIGHTS
        futures = np.column_stack([futures, mean + 0.5 * generator.standard_normal(len(futures))])
    forecast = process.forecast(past[:, None], np.array([3]), 20)
    np.testing.assert_allclose(forecast.mean[0, :, 0], futures[:, 3:].mean(0), atol=0.02)
    np.testing.assert_allclose(forecast.deviation[0, :, 0], futures[:, 3:].std(0), rtol=0.015)


def test_a_forecast_computed_by_hand() -> None:
    process = scalar(1.0, np.array([0.5, 0.25]), 2.0)
    forecast = process.forecast(np.array([[4.0], [8.0]]), np.array([2]), 3)
    np.testing.assert_allclose(forecast.mean[..., 0], [[6.0, 6.0, 5.5]])  # 1 + 4 + 1; 1 + 3 + 2; 1 + 3 + 1.5
    np.testing.assert_allclose(forecast.deviation[..., 0] ** 2, [[4.0, 5.0, 6.0]])  # psi: 1, 0.5, 0.5


def test_a_forecast_of_vectors_computed_by_hand() -> None:
    """x_t = (1, 0) + A x_{t-1} + e_t with A = [[0.5, 0.25], [0, 1]] and errors with the covariance [[1, 1], [1, 4]]."""
    weights, correlation = np.array([[[0.5, 0.25], [0.0, 1.0]]]), np.array([[1.0, 0.5], [0.5, 1.0]])
    process = Autoregression(np.array([1.0, 0.0]), weights, np.array([1.0, 2.0]), correlation)
    forecast = process.forecast(np.array([[2.0, 4.0]]), np.array([1]), 2)
    np.testing.assert_allclose(forecast.mean[0], [[3.0, 4.0], [3.5, 4.0]])  # 1 + 1 + 1, 4; 1 + 1.5 + 1, 4
    # A S A^T: 0.25 * 1 + 2 * 0.5 * 0.25 * 1 + 0.0625 * 4 = 0.75, and 4
    np.testing.assert_allclose(forecast.deviation[0] ** 2, [[1.0, 4.0], [1.75, 8.0]])


def test_a_sine_without_noise_is_an_autoregression_of_order_two() -> None:
    """x_t = 2 cos(w) x_{t-1} - x_{t-2}."""
    values = synthetic.noisy_sine(200, noise=0.0, period=17.3)
    fitted = fit(values, 2)
    np.testing.assert_allclose(fitted.weights[:, 0, 0], [2 * np.cos(2 * np.pi / 17.3), -1], atol=1e-9)
    forecast = fitted.forecast(values, np.array([100]), 64)
    np.testing.assert_allclose(forecast.mean[0], values[100:164], atol=1e-9)
    assert forecast.deviation.max() < 1e-9


def test_two_columns_that_turn_are_a_vector_autoregression_of_order_one() -> None:
    """A sine and a cosine: the matrix is a rotation, while each column alone needs two previous values."""
    angle = 2 * np.pi / 17.3
    values = np.column_stack([np.sin(angle * np.arange(200)), np.cos(angle * np.arange(200))])
    fitted = fit(values, 1)
    rotation = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    np.testing.assert_allclose(fitted.weights[0], rotation, atol=1e-9)
    assert fit(values[:, [0]], 1).deviation[0] > 0.1


def test_a_series_too_short_for_the_order_is_refused() -> None:
    with pytest.raises(UnrollError, match="order 30 needs at least 62 values to fit, and the train split has 61"):
        fit(synthetic.noisy_sine(71), 30, valid=10)
    assert fit(synthetic.noisy_sine(72), 30, valid=10).deviation[0] > 0
    with pytest.raises(UnrollError, match="order 4 needs at least 14 values to fit, and the train split has 13"):
        fit(synthetic.vectors(2, 23), 4, valid=10)
    assert (fit(synthetic.vectors(2, 24), 4, valid=10).deviation > 0).all()
    values = synthetic.vectors(2, 60)
    values[::4] = np.nan
    with pytest.raises(UnrollError, match=r"order 4 needs at least 10 values that are complete, .* and 0 are; lower"):
        fit(values, 4, valid=10)


def test_agrees_with_statsmodels() -> None:
    models = pytest.importorskip("statsmodels.tsa.ar_model", reason="statsmodels is not installed")
    values = synthetic.autoregressive(WEIGHTS, 400, seed=6)
    fitted, peer = fit(values, 5), models.AutoReg(values[:-50, 0], 5).fit()
    np.testing.assert_allclose([fitted.intercept[0], *fitted.weights[:, 0, 0]], peer.params, rtol=1e-8)
    ours = fitted.forecast(values[:-50], np.array([350]), 10)
    theirs = peer.get_prediction(350, 359)
    np.testing.assert_allclose(ours.mean[0, :, 0], theirs.predicted_mean, rtol=1e-8)
    # statsmodels divides by N - tau, we divide by the degrees of freedom
    np.testing.assert_allclose(ours.deviation[0, :, 0], theirs.se_mean * np.sqrt(345 / 339), rtol=1e-6)


@pytest.mark.parametrize("columns", [2, 5])
@pytest.mark.parametrize("order", [1, 3])
def test_vectors_agree_with_statsmodels(columns: int, order: int) -> None:
    """Coefficients, covariance of the errors, forecasts and their errors, to 1e-8."""
    var = pytest.importorskip("statsmodels.tsa.api", reason="statsmodels is not installed").VAR
    values = synthetic.vectors(columns, 400)
    train = values[:-50]
    fitted, peer = fit(values, order), var(train).fit(order, trend="c")
    np.testing.assert_allclose(fitted.intercept, peer.intercept, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fitted.weights, peer.coefs, rtol=1e-8, atol=1e-10)
    covariance = fitted.correlation * np.outer(fitted.deviation, fitted.deviation)
    np.testing.assert_allclose(covariance, peer.sigma_u, rtol=1e-8)
    np.testing.assert_allclose(fitted.moving_average(10), peer.ma_rep(9), rtol=1e-8, atol=1e-10)
    ours = fitted.forecast(train, np.array([350]), 10)
    np.testing.assert_allclose(ours.mean[0], peer.forecast(train[-order:], 10), rtol=1e-8, atol=1e-10)
    variances = np.array([np.diag(matrix) for matrix in peer.mse(10)])
    np.testing.assert_allclose(ours.deviation[0] ** 2, variances, rtol=1e-8)


def conditional(process: Autoregression, values: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """The distribution of the next values given the observed numbers after the first complete ones: by the joint
    Gaussian of all later values, which are a linear function of their errors."""
    order, columns, _ = process.weights.shape
    count = (len(values) - order + horizon) * columns
    psi = process.moving_average(len(values) - order + horizon)
    errors = np.zeros((count, count))  # the effect of each error on each later number
    for j, matrix in enumerate(psi):
        for t in range(j, len(psi)):
            errors[t * columns : (t + 1) * columns, (t - j) * columns : (t - j + 1) * columns] = matrix
    covariance = np.kron(np.eye(len(psi)), process.correlation * np.outer(process.deviation, process.deviation))
    covariance = errors @ covariance @ errors.T
    mean = process.forecast(values[:order], np.array([order]), len(psi)).mean[0].ravel()
    later = np.concatenate([values[order:].ravel(), np.full(horizon * columns, np.nan)])
    seen, wanted = np.flatnonzero(np.isfinite(later)), np.arange(count - horizon * columns, count)
    gain = covariance[np.ix_(wanted, seen)] @ np.linalg.inv(covariance[np.ix_(seen, seen)])
    variance = covariance[np.ix_(wanted, wanted)] - gain @ covariance[np.ix_(seen, wanted)]
    return (mean[wanted] + gain @ (later[seen] - mean[seen])).reshape(horizon, columns), np.sqrt(
        np.diag(variance)
    ).reshape(horizon, columns)


@pytest.mark.parametrize("columns", [1, 2, 5])
@pytest.mark.parametrize("holes", [[(8, 0)], [(9, -1), (8, 0)], [(5, 0), (7, 0), (9, 0)], [(6, None), (9, None)]])
def test_missing_numbers_are_integrated_out(columns: int, holes: list[tuple[int, int | None]]) -> None:
    """The forecast is that of the joint Gaussian, conditional on what is observed."""
    process, values = fit(synthetic.vectors(columns), 2), synthetic.vectors(columns)[100:110]
    for time, column in holes:
        values[time, slice(None) if column is None else column] = np.nan
    forecast = process.forecast(values, np.array([10]), 4)
    mean, deviation = conditional(process, values, 4)
    np.testing.assert_allclose(forecast.mean[0], mean, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(forecast.deviation[0], deviation, rtol=1e-8)
    if any(time == 9 for time, _ in holes):
        assert (forecast.deviation[0, 0] > process.deviation + 1e-9).any()


def test_the_order_of_the_origins_changes_no_forecast() -> None:
    process, values = fit(synthetic.vectors(2), 3), synthetic.vectors(2)
    values[[101, 103, 150], [0, 1, 0]] = np.nan
    origins = np.array([104, 102, 152, 103, 2, 104])
    together = process.forecast(values, origins, 5)
    for row, origin in enumerate(origins):
        alone = process.forecast(values, np.array([origin]), 5)
        np.testing.assert_allclose(together.mean[row], alone.mean[0], rtol=1e-10)
        np.testing.assert_allclose(together.deviation[row], alone.deviation[0], rtol=1e-10)


def test_there_is_no_forecast_before_as_many_complete_values_as_the_order() -> None:
    process, values = fit(synthetic.vectors(2), 2), synthetic.vectors(2)[:8]
    values[1, 0] = values[3, 1] = np.nan
    forecast = process.forecast(values, np.arange(9), 1)
    assert np.isfinite(forecast.mean[:, 0, 0]).tolist() == [False] * 6 + [True] * 3
    assert np.isfinite(forecast.deviation[:, 0, 0]).tolist() == [False] * 6 + [True] * 3


def test_a_fit_with_missing_values_is_that_of_the_complete_rows() -> None:
    values = synthetic.vectors(2)
    values[40, 0] = values[41, 1] = np.nan
    train = values[:-50]
    rows = [t for t in range(2, len(train)) if np.isfinite(train[t - 2 : t + 1]).all()]
    assert len(rows) == len(train) - 2 - 4
    design = np.array([[1.0, *train[t - 1], *train[t - 2]] for t in rows])
    solution = np.linalg.solve(design.T @ design, design.T @ train[rows])
    fitted = fit(values, 2)
    np.testing.assert_allclose(fitted.intercept, solution[0], rtol=1e-9)
    np.testing.assert_allclose(fitted.weights, [solution[1:3].T, solution[3:].T], rtol=1e-9)


def test_one_column_has_the_bits_of_a_scalar_autoregression() -> None:
    """The same computation with numbers and arrays (N,) in place of vectors and matrices."""
    values, origins = synthetic.noisy_sine(400), np.array([10, 200, 300])
    series, order, horizon = values[:, 0], 7, 20
    train = series[:-50]
    lags = np.lib.stride_tricks.sliding_window_view(train[:-1], order)[:, ::-1]
    design = np.column_stack([np.ones(len(lags)), lags])
    solution = np.linalg.lstsq(design, train[order:], rcond=None)[0]
    residuals = train[order:] - design @ solution
    error = np.sqrt(residuals @ residuals / (len(lags) - order - 1))
    window = series[origins[:, None] - np.arange(1, order + 1)]
    means = []
    for _ in range(horizon):
        means.append(solution[0] + window @ solution[1:])
        window = np.column_stack([means[-1], window[:, :-1]])
    psi = np.zeros(order + horizon)
    psi[order] = 1.0
    for j in range(order + 1, order + horizon):
        psi[j] = solution[1:] @ psi[j - order : j][::-1]
    forecast = fit(values, order).forecast(values, origins, horizon)
    np.testing.assert_array_equal(forecast.mean[..., 0], np.column_stack(means))
    np.testing.assert_array_equal(forecast.deviation[0, :, 0], error * np.sqrt(np.cumsum(psi[order:] ** 2)))
