"""Diagnostics of networks whose gradients, radii and gates are known."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from unroll.layers.diagnostics import gate_activations, gradient_flow, largest_radii, spectral_radii
from unroll.layers.recurrent import LAYERS, Recurrent

CELLS = [*LAYERS]


def linear(factor: float, size: int = 3) -> Recurrent:
    """Return a relu network that computes h_t = factor h_{t-1} + 1."""
    network = Recurrent("rnn_relu", 2, size, 1, 0.0)
    layer = network.layers[0]
    with torch.no_grad():
        layer.weight_hh_l0.copy_(factor * torch.eye(size))
        layer.bias_ih_l0.fill_(1.0)
    return network


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5])
def test_in_a_linear_network_the_gradient_is_a_power_of_the_spectral_radius(factor: float) -> None:
    network = linear(factor)
    np.testing.assert_allclose(spectral_radii(network)[0], [factor], rtol=1e-4)
    norms = gradient_flow(network, torch.zeros(4, 6, 2), lambda outputs: outputs[-1].sum())
    expected = np.sqrt(3) * factor ** np.arange(7)
    expected[-1] = norms[-1]  # at h_0 = 0
    np.testing.assert_allclose(norms, expected, rtol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_flow_is_the_gradient_of_the_first_state(cell: str) -> None:
    """At k = T it equals the gradient that autograd computes for the whole sequence."""
    torch.manual_seed(0)
    network, inputs = Recurrent(cell, 2, 3, 2, 0.0), torch.randn(1, 5, 2)
    start = tuple(part.requires_grad_() for part in network.start(1))
    outputs, _ = network(inputs, start)
    gradients = torch.autograd.grad(outputs[:, -1].square().sum(), start)
    whole = float(sum(gradient.square().sum() for gradient in gradients)) ** 0.5
    norms = gradient_flow(network, inputs, lambda outputs: outputs[-1].square().sum())
    assert len(norms) == 6
    assert norms[-1] == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_flow_begins_with_the_gradient_of_the_output(cell: str, residual: bool) -> None:
    """At k = 0 it is 2 h, the gradient of the sum of h^2, for each layer that the output is a sum of."""
    torch.manual_seed(0)
    network, inputs = Recurrent(cell, 2, 3, 2, 0.0, residual), torch.randn(4, 5, 2)
    with torch.no_grad():
        last = network(inputs, network.start(4))[0][:, -1]
    norms = gradient_flow(network, inputs, lambda outputs: outputs[-1].square().sum())
    expected = 2 * last.norm(dim=1).mean() * (2**0.5 if residual else 1)
    assert norms[0] == pytest.approx(expected.item(), rel=1e-5)


def test_gradients_whose_square_underflows_32_bits_are_measured() -> None:
    norms = gradient_flow(linear(1e-3), torch.zeros(1, 9, 2), lambda outputs: outputs[-1].sum())
    np.testing.assert_allclose(norms[8], np.sqrt(3) * 1e-24, rtol=1e-4)


def test_radii_of_every_gate() -> None:
    torch.manual_seed(0)
    network = Recurrent("lstm", 2, [30, 40], 2, 0.0)
    assert [radii.shape for radii in spectral_radii(network)] == [(4,), (4,)]
    for layer, size, radii in zip(network.layers, network.sizes, spectral_radii(network), strict=True):
        blocks = layer.weight_hh_l0.detach().double().numpy().reshape(4, size, size)
        np.testing.assert_allclose(radii, abs(np.linalg.eigvals(blocks)).max(1), rtol=5e-4)
    assert spectral_radii(Recurrent("mingru", 2, 3, 1, 0.0))[0].shape == (0,)


def test_the_radius_of_a_rotation_and_of_a_non_normal_matrix() -> None:
    """One matrix has the eigenvalues 0.8 exp(+-i), the other has 0.9 twice and a norm of 100."""
    network = Recurrent("rnn", 2, [2, 2], 2, 0.0)
    rotation = 0.8 * torch.tensor([[math.cos(1), -math.sin(1)], [math.sin(1), math.cos(1)]])
    with torch.no_grad():
        for layer, weight in zip(network.layers, (rotation, torch.tensor([[0.9, 100.0], [0.0, 0.9]])), strict=True):
            layer.weight_hh_l0.copy_(weight)
    assert largest_radii(nn.ModuleDict({"part": network})) == {
        "spectral_radius_part_1": pytest.approx(0.8, rel=1e-4),
        "spectral_radius_part_2": pytest.approx(0.9, rel=1e-3),
    }


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("rnn", []),
        ("gru", ["reset", "update"]),
        ("gru_reset_before", ["reset", "update"]),
        ("lstm", ["input", "forget", "output"]),
        ("minlstm", ["keep"]),
    ],
)
def test_gates_by_name(cell: str, names: list[str]) -> None:
    torch.manual_seed(0)
    gates = gate_activations(Recurrent(cell, 2, 3, 2, 0.0), torch.randn(4, 5, 2))
    assert [list(layer) for layer in gates] == [names, names]
    for values in (value for layer in gates for value in layer.values()):
        assert values.shape == (4, 5, 3)
        assert ((values > 0) & (values < 1)).all()


def test_the_gates_are_those_that_the_layer_uses() -> None:
    """With an update gate of z = 1, the state does not change."""
    network = Recurrent("gru", 2, 3, 1, 0.0)
    with torch.no_grad():
        network.layers[0].bias_hh_l0[3:6] = 50.0
    (gates,) = gate_activations(network, torch.randn(2, 5, 2))
    np.testing.assert_allclose(gates["update"], 1.0)
    outputs, _ = network(torch.randn(2, 5, 2), (torch.full((2, 3), 0.3),))
    torch.testing.assert_close(outputs, torch.full_like(outputs, 0.3))
