"""A stack of recurrent layers (Elman 1990; Goodfellow, Bengio and Courville 2016, section 10.2).

Time is the first dimension inside, (T, B, H), so that a step is one block of memory. Dropout is applied by separate
modules, since `nn.LSTM(dropout=...)` draws from the state of cuDNN on a GPU, which no seed reproduces.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn

from unroll.layers.cells.gru import GRU
from unroll.layers.cells.gru_reset_before import GRUResetBefore
from unroll.layers.cells.lstm import LSTM
from unroll.layers.cells.min_rnn import MinGRU, MinLSTM
from unroll.layers.cells.rnn import RNN
from unroll.layers.dropout import VariationalDropout, drop_weights
from unroll.params.layers import Cell, Dropouts

State = tuple[Tensor, ...]
"""One tensor (B, H) per layer, for LSTMs two (hidden, cell), flattened in the order of the layers."""

LAYERS: dict[Cell, Callable[[int, int], Any]] = {
    "rnn": RNN,
    "rnn_relu": partial(RNN, nonlinearity="relu"),
    "rnn_sigmoid": partial(RNN, nonlinearity="sigmoid"),
    "rnn_identity": partial(RNN, nonlinearity="identity"),
    "gru": GRU,
    "gru_reset_before": GRUResetBefore,
    "lstm": LSTM,
    "mingru": MinGRU,
    "minlstm": MinLSTM,
}


class Recurrent(nn.Module):
    """A stack of recurrent layers: (B, T, input_size) -> (B, T, hidden_size)."""

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int | list[int],
        layers: int,
        dropout: float | Dropouts,
        residual: bool = False,
    ) -> None:
        """Build the layers.

        Args:
            cell: The cell of all layers.
            input_size: The size of the inputs.
            hidden_size: The hidden size of all layers, or a list with the size of each.
            layers: The number of layers.
            dropout: The dropout rates, or one rate for the input, between the layers and for the output.
            residual: Each layer but the first adds its input to its output.
        """
        super().__init__()
        sizes = hidden_size if isinstance(hidden_size, list) else [hidden_size] * layers
        rates = dropout if isinstance(dropout, Dropouts) else _uniform_rates(dropout)
        self.cell, self.sizes, self.hidden_size, self.residual = cell, sizes, sizes[-1], residual
        self.parts = 2 if cell == "lstm" else 1  # tensors of state per layer
        self.layers = nn.ModuleList(LAYERS[cell](*pair) for pair in zip([input_size, *sizes], sizes, strict=False))
        kind = VariationalDropout if rates.variational else nn.Dropout
        self.input_dropout, self.hidden_dropout = kind(rates.input), kind(rates.hidden)
        self.output_dropout, self.weight_drop = kind(rates.output), rates.weight_drop

    @property
    def input_weight(self) -> Tensor:
        """The weights W (G, I) of all gates of the first layer."""
        first: Any = self.layers[0]
        return first.weight_ih_l0

    def start(self, batch_size: int) -> State:
        """Return the initial state, zeros, for `batch_size` rows."""
        weight = next(self.parameters())
        return tuple(weight.new_zeros(batch_size, size) for size in self.sizes for _ in range(self.parts))

    def unroll(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Run all time steps.

        Args:
            inputs: Inputs (T, B, input_size), or the ids (T, B) of one-hot inputs of this size, which are not
                dropped.
            state: The state before the first step.

        Returns:
            The outputs of the last layer (T, B, H) before output dropout, and the state after the last step.
        """
        after: State = ()
        for index, layer in enumerate(self.layers):
            if inputs.is_floating_point():  # not the ids of one-hot inputs
                inputs = self.hidden_dropout(inputs) if index else self.input_dropout(inputs)
            weight = getattr(layer, "weight_hh_l0", None)  # minGRU and minLSTM have none
            if weight is not None:
                weight = drop_weights(weight, self.weight_drop, self.training)
            outputs, last = layer(inputs, state[index * self.parts : (index + 1) * self.parts], weight)
            inputs = outputs + inputs if self.residual and index else outputs
            after += last
        return inputs, after

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Run all time steps.

        Args:
            inputs: Inputs (B, T, input_size), or the ids (B, T) of one-hot inputs.
            state: The state before the first step.

        Returns:
            The outputs of the last layer (B, T, H) after output dropout, and the state after the last step.
        """
        raw, after = self.unroll(inputs.transpose(0, 1), state)
        return self.output_dropout(raw).transpose(0, 1), after


def _uniform_rates(rate: float) -> Dropouts:
    return Dropouts(input=rate, hidden=rate, output=rate, embedding=0.0, weight_drop=0.0, variational=False)


def detach(state: State) -> State:
    """Return the state without its gradient (truncated backpropagation through time)."""
    return tuple(part.detach() for part in state)


def select(state: State, rows: Tensor) -> State:
    """Return the state whose row i is row rows[i] of `state`; `rows` is (B',)."""
    return tuple(part.index_select(0, rows) for part in state)
