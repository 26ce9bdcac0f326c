"""A stack of recurrent layers: notes "Recurrent Neural Networks" (Qin), equations 8, 10 and 11.

Time comes first inside, (T, B, H), so that a step is one block of memory. Dropout is of modules of its own:
`nn.LSTM(dropout=...)` draws from cuDNN's state on a GPU, which no seed reproduces.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn

from unroll.neural.gru import GRU
from unroll.neural.locked_dropout import LockedDropout
from unroll.neural.lstm import LSTM
from unroll.neural.minimal import MinGRU, MinLSTM
from unroll.neural.rnn import RNN
from unroll.neural.weight_drop import weight_drop
from unroll.params.models.recurrent import Cell, Dropouts

State = tuple[Tensor, ...]
"""Per layer one (B, H) tensor, for LSTM two (hidden, cell), flattened in order of the layers."""

LAYERS: dict[Cell, Callable[[int, int], Any]] = {
    "rnn": RNN,
    "rnn_relu": partial(RNN, nonlinearity="relu"),
    "rnn_sigmoid": partial(RNN, nonlinearity="sigmoid"),
    "gru": GRU,
    "lstm": LSTM,
    "mingru": MinGRU,
    "minlstm": MinLSTM,
}


class Recurrent(nn.Module):
    """`layers` cells over time: (B, T, input_size) -> (B, T, hidden_size)."""

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int | list[int],
        layers: int,
        dropout: float | Dropouts,
        residual: bool = False,
    ) -> None:
        """`hidden_size` of all layers or of each; `dropout` as params name them, or one rate before, between and after
        the layers. With `residual` each layer but the first adds its input to its output."""
        super().__init__()
        sizes = hidden_size if isinstance(hidden_size, list) else [hidden_size] * layers
        rates = dropout if isinstance(dropout, Dropouts) else _everywhere(dropout)
        self.cell, self.sizes, self.hidden_size, self.residual = cell, sizes, sizes[-1], residual
        self.parts = 2 if cell == "lstm" else 1  # tensors of state per layer
        self.layers = nn.ModuleList(LAYERS[cell](*pair) for pair in zip([input_size, *sizes], sizes, strict=False))
        kind = LockedDropout if rates.locked else nn.Dropout
        self.before, self.between, self.after = kind(rates.input), kind(rates.between), kind(rates.output)
        self.weight_drop = rates.weights

    def start(self, batch_size: int) -> State:
        """h_0 = 0 for `batch_size` rows."""
        weight = next(self.parameters())
        return tuple(weight.new_zeros(batch_size, size) for size in self.sizes for _ in range(self.parts))

    def unroll(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """(T, B, input_size) -> outputs of the last layer (T, B, H), before dropout, and the state after the end."""
        after: State = ()
        for index, layer in enumerate(self.layers):
            inputs = self.between(inputs) if index else self.before(inputs)
            weight = getattr(layer, "weight_hh_l0", None)  # minGRU and minLSTM have none
            if weight is not None:
                weight = weight_drop(weight, self.weight_drop, self.training)
            outputs, last = layer(inputs, state[index * self.parts : (index + 1) * self.parts], weight)
            inputs = outputs + inputs if self.residual and index else outputs
            after += last
        return inputs, after

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """All outputs of the last layer, with dropout, and the state after the last step."""
        raw, after = self.unroll(inputs.transpose(0, 1), state)
        return self.after(raw).transpose(0, 1), after


def _everywhere(rate: float) -> Dropouts:
    return Dropouts(input=rate, between=rate, output=rate, embedding=0.0, weights=0.0, locked=False)


def detach(state: State) -> State:
    """The state as a constant: gradients stop here (truncated backpropagation through time)."""
    return tuple(part.detach() for part in state)


def select(state: State, rows: Tensor) -> State:
    """Row i of the result is row rows[i] of `state`."""
    return tuple(part.index_select(0, rows) for part in state)
