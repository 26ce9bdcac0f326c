"""The recurrent forecaster: its likelihood, its training, and the moments of its sampled futures."""

import numpy as np
import pytest
import torch
from scipy import stats

from tests.series import synthetic
from unroll.errors import UnrollError
from unroll.series import latent
from unroll.series.latent import Latent, Network


def test_the_loss_is_the_gaussian_likelihood_of_the_next_value() -> None:
    network, values = Network(synthetic.section("latent")), torch.randn(7, 2)
    mean, deviation, _ = network(values[:-1], network.layers.start(2))
    density = stats.norm(mean.detach().numpy(), deviation.detach().numpy()).logpdf(values[1:].numpy())
    np.testing.assert_allclose(network.loss(values).detach().numpy(), -density, rtol=1e-5)


def process() -> Network:
    """x_t = 0.8 x_{t-1} + e_t, e_t of deviation 0.5, as a network: a relu layer of x and -x, and a linear head."""
    network = Network(synthetic.section("latent", cell="rnn_relu", hidden_size=2, layers=1, predict_difference=False))
    layer = network.layers.layers[0]
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        layer.weight_ih_l0[:] = torch.tensor([[1.0], [-1.0]])
        network.head.weight[0] = torch.tensor([0.8, -0.8])
        network.head.bias[1] = float(np.log(np.expm1(0.5 - latent.MIN_DEVIATION)))
    return network.requires_grad_(False)


def test_sampled_futures_have_the_moments_of_the_process() -> None:
    forecast = Latent(process(), 20_000, seed=1).forecast(np.array([0.0, 3.0]), np.array([2]), 8)
    steps = np.arange(1, 9)
    np.testing.assert_allclose(forecast.mean[0], 3 * 0.8**steps, atol=0.02)
    np.testing.assert_allclose(forecast.deviation[0], 0.5 * np.sqrt(np.cumsum(0.8 ** (2 * (steps - 1)))), rtol=0.02)


def test_one_step_ahead_nothing_is_sampled() -> None:
    one, many = (Latent(process(), samples, seed=samples).forecast(np.ones(5), np.array([5]), 1) for samples in (2, 50))
    np.testing.assert_allclose(one.mean, 0.8, rtol=1e-6)
    np.testing.assert_allclose([one.deviation, many.deviation], 0.5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "mingru"])
def test_training_learns_a_process(cell: str) -> None:
    values = synthetic.autoregressive(np.array([0.9]), 1200, seed=2, deviation=0.4)
    section = synthetic.section("latent", cell=cell, epochs=10, patience=10)
    fitted = latent.fit(section, synthetic.past(values, valid=200))
    forecast = fitted.forecast(values, np.arange(1000, 1199), 1)
    error = values[1000:1199] - forecast.mean[:, 0]
    assert np.sqrt((error**2).mean()) < 0.46  # 0.4 is the noise; the series itself has 0.92
    assert 0.3 < forecast.deviation.mean() < 0.5


@pytest.mark.slow
def test_the_weights_of_the_best_epoch_are_kept() -> None:
    """Valid has another distribution than train, so the best epoch is early, and one more epoch changes nothing."""
    values = np.concatenate([synthetic.autoregressive(np.array([0.9]), 200, seed=2), 5.0 * np.tile([1.0, -1.0], 25)])
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
    values[60] = np.nan
    with pytest.raises(UnrollError, match=r"learning_rate: the loss was nan after epoch \d; lower it"):
        latent.fit(synthetic.section("latent"), synthetic.past(values))
