"""Every layer equals its equations (`reference_cells`): outputs, last state and all gradients."""

import os
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from tests.layers import reference_cells
from tests.layers.test_recurrent import LAYER1, LAYER2, X
from unroll.layers.cells import gru, gru_reset_before, rnn
from unroll.layers.cells.min_rnn import Scan
from unroll.layers.recurrent import LAYERS

CELLS = [*LAYERS]


def by_steps(cell: str, layer: torch.nn.Module, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    step, weights = getattr(reference_cells, cell), list(layer.parameters())
    outputs = []
    for x in inputs:
        state = step(x, state, *weights)
        outputs.append(state[0])
    return torch.stack(outputs), *state


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("steps", "rows"), [(1, 1), (1, 2), (6, 2)])
def test_a_layer_equals_its_equations(cell: str, steps: int, rows: int) -> None:
    torch.manual_seed(0)
    layer = LAYERS[cell](3, 4).double()
    for parameter in layer.parameters():  # the scaled identity of rnn_relu would hide a transposed product
        torch.nn.init.normal_(parameter, std=0.5)
    inputs = torch.randn(steps, rows, 3, dtype=torch.float64, requires_grad=True)
    state = tuple(torch.randn(rows, 4, dtype=torch.float64, requires_grad=True) for _ in range(1 + (cell == "lstm")))
    leaves = [inputs, *state, *layer.parameters()]
    outputs, after = layer(inputs, state, getattr(layer, "weight_hh_l0", None))
    ours, theirs = (outputs, *after), by_steps(cell, layer, inputs, state)
    weights = [torch.randn_like(value) for value in ours]
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)
    gradients = [
        torch.autograd.grad(sum((v * w).sum() for v, w in zip(values, weights, strict=True)), leaves)
        for values in (ours, theirs)
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def test_gradients_against_finite_differences() -> None:
    torch.manual_seed(1)
    assert torch.autograd.gradcheck(gru.Recurrence.apply, (numbers(4, 2, 9), numbers(2, 3), numbers(9, 3), numbers(9)))
    before = (numbers(4, 2, 9), numbers(2, 3), numbers(9, 3))
    assert torch.autograd.gradcheck(gru_reset_before.Recurrence.apply, before)
    for phi in ("tanh", "relu", "sigmoid", "identity"):
        assert torch.autograd.gradcheck(rnn.Recurrence.apply, (numbers(4, 2, 3), numbers(2, 3), numbers(3, 3), phi))
    assert torch.autograd.gradcheck(Scan.apply, (numbers(4, 2, 3), numbers(4, 2, 3), numbers(2, 3)))


def test_no_two_cells_have_the_same_name() -> None:
    """A checkpoint of one would continue the training of the other, whose initial weights are the same."""
    names = [repr(LAYERS[cell](3, 4)) for cell in CELLS]
    assert len({*names}) == len(CELLS)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_torch_reads_our_weights(cell: str) -> None:
    """The names, the order of the gates and the results are those of torch."""
    torch.manual_seed(2)
    layer = LAYERS[cell](3, 4)
    theirs = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](3, 4)
    theirs.load_state_dict(layer.state_dict())
    inputs, zero = torch.randn(7, 2, 3), torch.zeros(2, 4)
    outputs, _ = layer(inputs, (zero, zero)[: 1 + (cell == "lstm")], layer.weight_hh_l0)
    torch.testing.assert_close(outputs, theirs(inputs)[0])


GATES = (LAYER1, LAYER2, LAYER1 | {"weight_hh_l0": LAYER2["weight_hh_l0"], "bias_ih_l0": LAYER2["bias_ih_l0"]})
"""The weights of r, z and n, of the worked example of two simple layers."""


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("gru", [[0.979, -1.446], [0.515, -0.166]]),
        ("gru_reset_before", [[0.996, -1.288], [0.515, -0.158]]),
    ],
)
def test_the_reset_gate_acts_before_or_after_the_product(cell: str, expected: list[list[float]]) -> None:
    """One step with the same weights. The numbers are those of the equations, computed in double precision."""
    layer = LAYERS[cell](2, 2)
    layer.load_state_dict({name: torch.cat([gate[name] for gate in GATES]) for name in LAYER1})
    start = torch.tensor([[1.0, -2.0], [0.5, 3.0]])
    (found,) = layer(X[None], (start,), layer.weight_hh_l0)[0]
    torch.testing.assert_close(found, torch.tensor(expected), atol=6e-4, rtol=0)


def test_in_the_identity_network_the_first_input_acts_through_a_power_of_the_weights() -> None:
    """The influence of x_1 on h_t is U^(t-1) W x_1: it grows like the largest eigenvalue, which is 1.2 here."""
    torch.manual_seed(5)
    layer = LAYERS["rnn_identity"](3, 2).double()
    weight = torch.tensor([[0.7, 0.5], [0.5, 0.7]], dtype=torch.float64)  # eigenvalues 1.2 and 0.2
    layer.weight_hh_l0.data.copy_(weight)
    one, zero = torch.randn(40, 1, 3, dtype=torch.float64), torch.zeros(1, 2, dtype=torch.float64)
    other = one.clone()
    other[0] = 0
    difference = (layer(one, (zero,), weight)[0] - layer(other, (zero,), weight)[0])[:, 0]  # (T, H)
    for t, influence in enumerate(difference, 1):
        expected = torch.linalg.matrix_power(weight, t - 1) @ layer.weight_ih_l0 @ one[0, 0]
        torch.testing.assert_close(influence, expected)
    torch.testing.assert_close(difference[-1] / difference[-2], torch.full((2,), 1.2, dtype=torch.float64))


@pytest.mark.parametrize("cell", CELLS)
def test_bfloat16_products_give_float32_outputs_near_the_exact_ones(cell: str) -> None:
    torch.manual_seed(3)
    layer = LAYERS[cell](8, 8)
    inputs, state = torch.randn(5, 2, 8), tuple(torch.zeros(2, 8) for _ in range(1 + (cell == "lstm")))
    weight = getattr(layer, "weight_hh_l0", None)
    exact, _ = layer(inputs, state, weight)
    with torch.autocast("cpu", torch.bfloat16):
        rough, _ = layer(inputs, state, weight)
    rough.float().sum().backward()
    torch.testing.assert_close(rough.float(), exact, atol=0.05, rtol=0.05)
    assert all(torch.isfinite(parameter.grad).all() for parameter in layer.parameters())


@pytest.mark.slow
def test_an_lstm_runs_with_bfloat16_on_a_processor_without_16_bit_instructions() -> None:
    """ONEDNN_MAX_CPU_ISA limits oneDNN to AVX2, as on such a processor."""
    code = (
        "import torch; from unroll.layers.cells.lstm import LSTM\n"
        "layer, state = LSTM(8, 8), (torch.zeros(2, 8),) * 2\n"
        "with torch.autocast('cpu', torch.bfloat16):\n"
        "    outputs, _ = layer(torch.randn(5, 2, 8).bfloat16(), state, layer.weight_hh_l0)\n"
        "outputs.float().sum().backward(); print(torch.isfinite(layer.weight_hh_l0.grad).all().item())"
    )
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert result.stdout == "True\n", result.stderr


def test_a_relu_network_begins_by_forgetting_half_at_each_step() -> None:
    """Le, Jaitly and Hinton (2015): a scaled identity and zero biases."""
    layer = LAYERS["rnn_relu"](3, 4)
    start = torch.rand(2, 4)
    outputs, _ = layer(torch.zeros(5, 2, 3), (start,), layer.weight_hh_l0)
    torch.testing.assert_close(outputs[-1], start / 32)
