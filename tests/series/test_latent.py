"""The recurrent forecaster: its likelihood, its training, and the moments of its sampled futures."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from tests.series import synthetic
from unroll.errors import UnrollError
from unroll.series import latent
from unroll.series.latent import Latent, Network


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("columns", [1, 2, 5])
def test_the_loss_is_the_gaussian_likelihood_of_the_next_value(columns: int, masked: bool) -> None:
    network, values = Network(synthetic.section("latent"), columns, masked), torch.randn(7, 2, columns)
    observed = torch.rand(7, 2, columns) < 0.7
    mean, deviation, _ = network(values[:-1], observed[:-1], network.layers.start(2))
    density = stats.norm(mean.detach().numpy(), deviation.detach().numpy()).logpdf(values[1:].numpy())
    expected = np.where(observed[1:], -density, 0.0)
    np.testing.assert_allclose(network.loss(values, observed).detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def process() -> Network:
    """x_t = 0.8 x_{t-1} + e_t, e_t of deviation 0.5, as a network: a relu layer of x and -x, and a linear head."""
    section = synthetic.section("latent", cell="rnn_relu", hidden_size=2, layers=1, predict_difference=False)
    network = Network(section, 1, masked=False)
    layer = network.layers.layers[0]
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        layer.weight_ih_l0[:] = torch.tensor([[1.0], [-1.0]])
        network.head.weight[0] = torch.tensor([0.8, -0.8])
        network.head.bias[1] = float(np.log(np.expm1(0.5 - latent.MIN_DEVIATION)))
    return network.requires_grad_(False)


def test_the_worked_example_of_a_network_that_reads_vectors() -> None:
    """Two examples with d = 2 and two hidden units (Zhang et al. 2023, section 9.4: H_t = tanh(X W + H_{t-1} U + b)).

    tests/layers/test_recurrent.py has the same numbers. Here, the head reads off the state: x_t has the mean H_t.
    """
    network = Network(synthetic.section("latent", cell="rnn", hidden_size=2, predict_difference=False), 2, masked=False)
    layer = network.layers.layers[0]
    with torch.no_grad():
        layer.weight_ih_l0[:] = torch.tensor([[0.5, -1.0], [1.2, 0.3]]).T
        layer.weight_hh_l0[:] = torch.tensor([[0.7, -0.4], [0.2, 0.5]]).T
        layer.bias_ih_l0[:], layer.bias_hh_l0[:] = torch.tensor([0.1, -0.1]), 0.0
        network.head.weight[:], network.head.bias[:] = torch.eye(2).repeat(2, 1), 0.0
    values, state = torch.tensor([[[1.0, 2.0], [3.0, 1.0]]]), (torch.tensor([[0.1, -0.2], [0.0, 0.3]]),)
    mean, deviation, _ = network(values, torch.ones_like(values, dtype=torch.bool), state)
    expected = torch.tensor([[3.03, -0.64], [2.86, -2.65]]).tanh()
    torch.testing.assert_close(mean[0], expected)
    torch.testing.assert_close(deviation[0], expected.exp().log1p() + latent.MIN_DEVIATION)


def test_sampled_futures_have_the_moments_of_the_process() -> None:
    forecast = Latent(process(), 20_000, seed=1).forecast(np.array([[0.0], [3.0]]), np.array([2]), 8)
    steps = np.arange(1, 9)
    np.testing.assert_allclose(forecast.mean[0, :, 0], 3 * 0.8**steps, atol=0.02)
    np.testing.assert_allclose(
        forecast.deviation[0, :, 0], 0.5 * np.sqrt(np.cumsum(0.8 ** (2 * (steps - 1)))), rtol=0.02
    )


def test_one_step_ahead_nothing_is_sampled() -> None:
    ones = np.ones((5, 1))
    one, many = (Latent(process(), samples, seed=samples).forecast(ones, np.array([5]), 1) for samples in (2, 50))
    np.testing.assert_allclose(one.mean, 0.8, rtol=1e-6)
    np.testing.assert_allclose([one.deviation, many.deviation], 0.5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "mingru"])
def test_training_learns_a_process(cell: str) -> None:
    values = synthetic.autoregressive(np.array([0.9]), 1200, seed=2, deviation=0.4)
    section = synthetic.section("latent", cell=cell, epochs=10, patience=10)
    fitted = latent.fit(section, synthetic.past(values, valid=200))
    forecast = fitted.forecast(values, np.arange(1000, 1199), 1)
    error = (values[1000:1199] - forecast.mean[:, 0])[:, 0]
    assert np.sqrt((error**2).mean()) < 0.46  # 0.4 is the noise; the series itself has 0.92
    assert 0.3 < forecast.deviation.mean() < 0.5


@pytest.mark.slow
def test_training_learns_that_a_column_follows_another() -> None:
    """x2 is x1 one step before, with little noise: a network of vectors knows it, and one of x2 alone does not."""
    noise = np.random.default_rng(4).standard_normal((1201, 1))
    values = np.column_stack([noise[1:], noise[:-1]])
    section = synthetic.section("latent", epochs=10, patience=10, predict_difference=False)
    origins, errors = np.arange(1000, 1199), []
    for chosen in ([0, 1], [1]):
        fitted = latent.fit(section, synthetic.past(values[:, chosen], valid=200))
        mean = fitted.forecast(values[:, chosen], origins, 1).mean[:, 0, -1]
        errors.append(float(np.sqrt(((values[1000:1199, 1] - mean) ** 2).mean())))
    assert errors[0] < 0.3
    assert errors[1] > 0.9


def permuted(network: Network, order: np.ndarray, section: Any) -> Network:
    """The network whose columns are those of another one in another order."""
    other, columns = Network(section, len(order), masked=False), len(order)
    other.load_state_dict(network.state_dict())
    with torch.no_grad():
        weight = other.layers.layers[0].weight_ih_l0
        weight[:] = network.layers.layers[0].weight_ih_l0[:, order]
        rows = np.concatenate([order, columns + order])
        other.head.weight[:] = network.head.weight[rows]
        other.head.bias[:] = network.head.bias[rows]
    return other.requires_grad_(False)


@pytest.mark.parametrize("columns", [2, 5])
def test_a_permutation_of_the_columns_permutes_the_forecasts(columns: int) -> None:
    """One step ahead exactly; later steps have other noise, so they agree as far as samples do."""
    section, values = synthetic.section("latent"), synthetic.vectors(columns)
    order = np.arange(columns)[::-1].copy()
    torch.manual_seed(1)  # the tests before this one have drawn numbers, too
    network = Network(section, columns, masked=False).requires_grad_(False)
    other = permuted(network, order, section)
    origins = np.array([50, 100])
    one = Latent(network, 4000, 1).forecast(values, origins, 3)
    two = Latent(other, 4000, 1).forecast(values[:, order], origins, 3)
    np.testing.assert_allclose(two.mean[:, 0], one.mean[:, 0][:, order], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(two.mean, one.mean[..., order], atol=0.1)
    np.testing.assert_allclose(two.deviation, one.deviation[..., order], rtol=0.1)


def test_missing_numbers_are_those_of_the_last_time_and_have_no_part_in_the_loss() -> None:
    values = np.array([[np.nan, 1.0], [2.0, np.nan], [np.nan, np.nan], [3.0, 4.0]])
    carried, observed = latent.carry_forward(values)
    np.testing.assert_array_equal(carried, [[0, 1], [2, 1], [2, 1], [3, 4]])
    np.testing.assert_array_equal(observed, np.isfinite(values))
    network = Network(synthetic.section("latent"), 2, masked=True)
    loss = network.loss(torch.from_numpy(carried)[:, None], torch.from_numpy(observed)[:, None])[:, 0]
    np.testing.assert_array_equal((loss != 0).numpy(), observed[1:])


def test_the_network_reads_which_numbers_are_observed_if_some_of_the_train_or_valid_split_are_missing() -> None:
    values = synthetic.vectors(2, 300)
    section = synthetic.section("latent", epochs=1, patience=1)
    assert not latent.fit(section, synthetic.past(values)).network.masked
    for time in (100, 280):
        holed = values.copy()
        holed[time, 1] = np.nan
        fitted = latent.fit(section, synthetic.past(holed))
        assert fitted.network.masked
        seen = values.copy()
        seen[119] = seen[118]
        missing = seen.copy()
        missing[119] = np.nan  # the network reads the same values, but it knows that they are old
        one, other = (fitted.forecast(v, np.array([120]), 1).mean for v in (seen, missing))
        assert (one != other).all()


@pytest.mark.slow
def test_the_weights_of_the_best_epoch_are_kept() -> None:
    """Valid has another distribution than train, so the best epoch is early, and one more epoch changes nothing."""
    values = np.concatenate(
        [synthetic.autoregressive(np.array([0.9]), 200, seed=2), 5.0 * np.tile([[1.0], [-1.0]], (25, 1))]
    )
    short, long = (
        latent.fit(synthetic.section("latent", epochs=epochs, patience=40), synthetic.past(values))
        for epochs in (40, 41)
    )
    for first, second in zip(short.network.parameters(), long.network.parameters(), strict=True):
        assert torch.equal(first, second)


def test_series_that_are_too_short_or_not_finite_are_refused() -> None:
    with pytest.raises(UnrollError, match=r"sequence_length: 20 needs a train split of at least 40 values.* it has 39"):
        latent.fit(synthetic.section("latent"), synthetic.past(synthetic.noisy_sine(89)))
    values = synthetic.noisy_sine(200)
    values[60] = 1e30
    with pytest.raises(UnrollError, match=r"learning_rate: the loss was (nan|inf) after epoch \d; lower it"):
        latent.fit(synthetic.section("latent"), synthetic.past(values))
    values = synthetic.noisy_sine(200)
    values[-50:] = np.nan
    with pytest.raises(UnrollError, match="family: latent needs an observed value in the valid split"):
        latent.fit(synthetic.section("latent"), synthetic.past(values))
