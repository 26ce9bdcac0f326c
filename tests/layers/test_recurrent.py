"""The recurrent layers equal a worked example and the equations step by step."""

import pytest
import torch

from unroll.layers.recurrent import Recurrent

# A worked example of one and two layers. Its weights act from the right: H = X W.
X = torch.tensor([[1.0, 2.0], [3.0, 1.0]])
H1 = torch.tensor([[0.1, -0.2], [0.0, 0.3]])
H2 = torch.tensor([[-0.1, 0.4], [0.2, -0.3]])
LAYER1 = {
    "weight_ih_l0": torch.tensor([[0.5, -1.0], [1.2, 0.3]]).T,
    "weight_hh_l0": torch.tensor([[0.7, -0.4], [0.2, 0.5]]).T,
    "bias_ih_l0": torch.tensor([0.1, -0.1]),
    "bias_hh_l0": torch.zeros(2),
}
LAYER2 = {
    "weight_ih_l0": torch.tensor([[0.4, -0.6], [0.9, 0.2]]).T,
    "weight_hh_l0": torch.tensor([[-0.3, 0.7], [0.5, -0.1]]).T,
    "bias_ih_l0": torch.tensor([0.0, 0.2]),
    "bias_hh_l0": torch.zeros(2),
}

# tanh(X W_xh + H1 W_hh + b) of layer 1, computed by hand; the same for layer 2 with the outputs of layer 1 and H2.
FIRST = torch.tensor([[0.995, -0.565], [0.993, -0.990]])
SECOND = torch.tensor([[0.119, -0.551], [-0.607, -0.400]])


def test_worked_example_of_one_layer() -> None:
    network = Recurrent("rnn", 2, 2, layers=1, dropout=0.0)
    network.layers[0].load_state_dict(LAYER1)
    outputs, state = network(X[:, None], (H1,))
    torch.testing.assert_close(outputs[:, 0], FIRST, atol=6e-4, rtol=0)
    torch.testing.assert_close(state[0], outputs[:, 0])


def test_worked_example_of_two_layers() -> None:
    network = Recurrent("rnn", 2, 2, layers=2, dropout=0.0)
    network.layers[0].load_state_dict(LAYER1)
    network.layers[1].load_state_dict(LAYER2)
    _, (first, second) = network(X[:, None], (H1, H2))
    torch.testing.assert_close(first, FIRST, atol=6e-4, rtol=0)
    torch.testing.assert_close(second, SECOND, atol=6e-4, rtol=0)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_equals_the_equations(cell: str) -> None:
    torch.manual_seed(0)
    network = Recurrent(cell, 3, 4, layers=1, dropout=0.0).double()
    layer = network.layers[0]
    inputs = torch.randn(2, 6, 3, dtype=torch.float64)
    outputs, _ = network(inputs, network.start(2))
    hidden = torch.zeros(2, 4, dtype=torch.float64)
    memory = torch.zeros(2, 4, dtype=torch.float64)
    for step in range(6):
        given = inputs[:, step] @ layer.weight_ih_l0.T + layer.bias_ih_l0
        past = hidden @ layer.weight_hh_l0.T + layer.bias_hh_l0
        if cell == "rnn":
            hidden = torch.tanh(given + past)
        elif cell == "gru":
            (r1, z1, n1), (r2, z2, n2) = given.chunk(3, 1), past.chunk(3, 1)
            update = torch.sigmoid(z1 + z2)
            hidden = (1 - update) * torch.tanh(n1 + torch.sigmoid(r1 + r2) * n2) + update * hidden
        else:
            i, f, g, o = (given + past).chunk(4, 1)
            memory = torch.sigmoid(f) * memory + torch.sigmoid(i) * torch.tanh(g)
            hidden = torch.sigmoid(o) * torch.tanh(memory)
        torch.testing.assert_close(outputs[:, step], hidden)
