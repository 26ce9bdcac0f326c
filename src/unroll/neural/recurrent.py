"""A stack of recurrent layers: notes "Recurrent Neural Networks" (Qin), equations 8, 10 and 11.

For the tanh network, H_t = tanh(X_t W_xh + H_{t-1} W_hh + b_h); GRU is Cho et al. (2014), LSTM Hochreiter and
Schmidhuber (1997) with forget gates, as torch defines them. Dropout stands between layers as a module of its own:
`nn.LSTM(dropout=...)` draws from cuDNN's own state on a GPU, which no seed reproduces.
"""

from typing import Any, Literal

from torch import Tensor, nn

Cell = Literal["rnn", "gru", "lstm"]
State = tuple[Tensor, ...]
"""Per layer one (B, H) tensor, for LSTM two (hidden, cell), flattened in order of the layers."""

LAYERS: dict[str, Any] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Recurrent(nn.Module):
    """`layers` cells over time: (B, T, input_size) -> (B, T, hidden_size)."""

    def __init__(self, cell: Cell, input_size: int, hidden_size: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.parts = 2 if cell == "lstm" else 1  # tensors of state per layer
        sizes = [input_size] + [hidden_size] * (layers - 1)
        self.layers = nn.ModuleList(LAYERS[cell](size, hidden_size, batch_first=True) for size in sizes)
        self.dropout = nn.Dropout(dropout)

    def start(self, batch_size: int) -> State:
        """h_0 = 0 for `batch_size` rows."""
        weight = next(self.parameters())
        return tuple(weight.new_zeros(batch_size, self.hidden_size) for _ in range(self.parts * len(self.layers)))

    def forward(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """All outputs of the top layer and the state after the last step."""
        after: list[Tensor] = []
        for index, layer in enumerate(self.layers):
            parts = [part.unsqueeze(0) for part in state[index * self.parts : (index + 1) * self.parts]]
            outputs, last = layer(self.dropout(inputs), tuple(parts) if self.parts == 2 else parts[0])
            after += [part.squeeze(0) for part in (last if self.parts == 2 else (last,))]
            inputs = outputs
        return self.dropout(inputs), tuple(after)


def detach(state: State) -> State:
    """The state as a constant: gradients stop here (truncated backpropagation through time)."""
    return tuple(part.detach() for part in state)


def select(state: State, rows: Tensor) -> State:
    """Row i of the result is row rows[i] of `state`."""
    return tuple(part.index_select(0, rows) for part in state)
