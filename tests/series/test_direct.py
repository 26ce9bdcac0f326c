"""Direct regressions: the first step is that of an autoregression, and later ones are regressions of their own."""

import numpy as np
import pytest

from tests.series import synthetic
from unroll.errors import UnrollError
from unroll.series import autoregression, direct
from unroll.series.direct import Direct


def fit(values: np.ndarray, order: int, horizon: int = 12) -> Direct:
    return direct.fit(synthetic.section("direct", order=order), synthetic.past(values, horizon=horizon))


@pytest.mark.parametrize("columns", [1, 2, 5])
def test_the_first_step_is_that_of_an_autoregression(columns: int) -> None:
    values, origins = synthetic.vectors(columns), np.arange(100, 120)
    iterated = autoregression.fit(synthetic.section("autoregression", order=3), synthetic.past(values))
    one, other = (model.forecast(values, origins, 1) for model in (fit(values, 3), iterated))
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(one.deviation, other.deviation, rtol=1e-9)


def test_a_later_step_is_a_regression_on_the_values_before_the_origin() -> None:
    """Lecture notation: P(x_{t+k} | x_{t-tau}, .., x_{t-1}), here with tau = 2 and the third step."""
    values = synthetic.vectors(2)
    train = values[:-50]
    rows = range(2, len(train) - 2)
    design = np.array([[1.0, *train[t - 1], *train[t - 2]] for t in rows])
    targets = np.array([train[t + 2] for t in rows])
    solution = np.linalg.solve(design.T @ design, design.T @ targets)
    squares = ((targets - design @ solution) ** 2).sum(0)
    forecast = fit(values, 2).forecast(values, np.array([120]), 3)
    np.testing.assert_allclose(forecast.mean[0, 2], [1.0, *values[119], *values[118]] @ solution, rtol=1e-9)
    np.testing.assert_allclose(forecast.deviation[0, 2] ** 2, squares / (len(rows) - 5), rtol=1e-9)


def test_a_process_of_higher_order_is_forecast_better_by_direct_regressions() -> None:
    """x_t = 0.9 x_{t-4} + e_t: the fitted AR(1) iterates a coefficient near 0, but x_{t+3} depends on x_{t-1}."""
    values = synthetic.autoregressive(np.array([0.0, 0.0, 0.0, 0.9]), 3000, seed=1)
    origins = np.arange(2000, 2900)
    iterated = autoregression.fit(synthetic.section("autoregression", order=1), synthetic.past(values))
    target = values[origins + 3]
    errors = [
        float(np.sqrt(((target - model.forecast(values, origins, 4).mean[:, 3]) ** 2).mean()))
        for model in (fit(values, 1, horizon=4), iterated)
    ]
    assert errors[0] == pytest.approx(1.0, abs=0.1)  # the noise
    assert errors[1] > 1.8  # the deviation of the series is 2.3


def test_steps_for_which_train_is_too_short_have_no_forecast() -> None:
    values = synthetic.vectors(2, 62)  # train has 12 values; order 2 has 5 coefficients
    fitted = fit(values, 2, horizon=8)
    forecast = fitted.forecast(values, np.array([30]), 8)
    assert np.isfinite(forecast.mean[0, :, 0]).tolist() == [True] * 5 + [False] * 3
    assert fitted.parameters == 5 * (2 * 5 + 2)
    with pytest.raises(UnrollError, match=r"order: .* order 4 needs at least 14 values to fit"):
        fit(values, 4)


def test_an_incomplete_time_is_left_out_of_the_fit_and_of_the_forecasts() -> None:
    values = synthetic.vectors(2)
    values[40, 0] = values[121, 1] = np.nan
    fitted = fit(values, 2)
    train = values[:-50]
    rows = [t for t in range(2, len(train) - 1) if np.isfinite([*train[t - 2 : t], train[t + 1]]).all()]
    design = np.array([[1.0, *train[t - 1], *train[t - 2]] for t in rows])
    solution = np.linalg.solve(design.T @ design, design.T @ train[np.array(rows) + 1])
    np.testing.assert_allclose(fitted.solutions[1], solution, rtol=1e-9)
    forecast = fitted.forecast(values, np.arange(120, 126), 2)
    assert np.isfinite(forecast.mean).all((1, 2)).tolist() == [True, True, False, False, True, True]
