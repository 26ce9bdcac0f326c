"""Every layer equals its equations (`reference_cells`): outputs, last state and all gradients."""

import os
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from tests.layers import reference_cells
from unroll.layers import gru, rnn
from unroll.layers.min_rnn import Scan
from unroll.layers.recurrent import LAYERS

CELLS = ["rnn", "rnn_relu", "rnn_sigmoid", "gru", "lstm", "mingru", "minlstm"]


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
    for phi in ("tanh", "relu", "sigmoid"):
        assert torch.autograd.gradcheck(rnn.Recurrence.apply, (numbers(4, 2, 3), numbers(2, 3), numbers(3, 3), phi))
    assert torch.autograd.gradcheck(Scan.apply, (numbers(4, 2, 3), numbers(4, 2, 3), numbers(2, 3)))


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
        "import torch; from unroll.layers.lstm import LSTM; layer = LSTM(8, 8); state = (torch.zeros(2, 8),) * 2\n"
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
