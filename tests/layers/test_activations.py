"""The factors of the Jacobians of simple networks, where they are known, and the bound that they give."""

import numpy as np
import pytest
import torch

from unroll.layers.activations import simple_activations, spectral_norm
from unroll.layers.diagnostics import gradient_flow
from unroll.layers.recurrent import LAYERS, Recurrent

SIMPLE = [cell for cell in LAYERS if cell.startswith("rnn")]


def test_the_spectral_norm_is_the_largest_singular_value() -> None:
    torch.manual_seed(0)
    weight = torch.randn(30, 30)
    assert spectral_norm(weight) == pytest.approx(np.linalg.norm(weight.numpy(), 2), rel=5e-4)
    shear = torch.tensor([[0.9, 100.0], [0.0, 0.9]])  # its radius is 0.9
    assert spectral_norm(shear) == pytest.approx(np.linalg.norm(shear.numpy(), 2), rel=5e-4)


@pytest.mark.parametrize("cell", SIMPLE)
def test_slopes_are_the_derivatives_of_the_outputs(cell: str) -> None:
    torch.manual_seed(1)
    network, inputs = Recurrent(cell, 2, 3, 2, 0.0), torch.randn(4, 5, 2)
    outputs, _ = network(inputs, network.start(4))
    first, second = simple_activations(network, inputs)
    np.testing.assert_allclose(second.outputs, outputs.detach(), rtol=1e-6)
    expected = {
        "rnn": 1 - first.outputs**2,
        "rnn_relu": first.outputs > 0,
        "rnn_sigmoid": first.outputs * (1 - first.outputs),
        "rnn_identity": np.ones_like(first.outputs),
    }[cell]
    np.testing.assert_allclose(first.slopes, expected, rtol=1e-6)
    assert (first.slopes <= first.largest_slope).all()


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("cell", SIMPLE)
def test_a_gradient_is_at_most_the_bound(cell: str, scale: float) -> None:
    """|d loss / d h_{t-k}| <= |d loss / d h_t| (max phi' |U|)^k; they are equal for a scaled rotation without phi."""
    torch.manual_seed(2)
    network, inputs = Recurrent(cell, 2, 4, 1, 0.0), torch.randn(3, 8, 2)
    with torch.no_grad():
        network.layers[0].weight_hh_l0.copy_(scale * torch.linalg.qr(torch.randn(4, 4))[0])
    (layer,) = simple_activations(network, inputs)
    assert layer.norm == pytest.approx(scale, rel=1e-3)
    flow = gradient_flow(network, inputs, lambda outputs: outputs[-1].square().sum())
    bound = flow[0] * (layer.norm * float(layer.slopes.max())) ** np.arange(9)
    assert (flow <= bound * (1 + 1e-3)).all()
    if cell == "rnn_identity":
        np.testing.assert_allclose(flow, bound, rtol=0.01)


def test_networks_with_gates_have_none() -> None:
    network = Recurrent("gru", 2, 3, 1, 0.0)
    assert simple_activations(network, torch.randn(4, 5, 2)) == []
