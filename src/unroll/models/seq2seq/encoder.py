"""The encoder of a source: notes "Transformers-2", section "Recurrent neural networks", z_t = encoder(z_{t-1}, e_t)."""

from typing import Any

import torch
from torch import Tensor, nn

from unroll.layers.recurrent import Recurrent, State
from unroll.params.layers import Cell


class Encoder(nn.Module):
    """`layers` recurrent layers: (B, S, input_size) -> (B, S, hidden_size) and the last state z*.

    With `bidirectional` half of every layer reads forwards and half backwards (Schuster and Paliwal 1997), and z* is
    the last state of both, so that it has the shape of a decoder's state either way.
    """

    def __init__(
        self, cell: Cell, input_size: int, hidden_size: int, layers: int, dropout: float, bidirectional: bool
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        if hidden_size % directions:
            raise ValueError(f"hidden_size {hidden_size} is odd: two directions cannot share it")
        sizes = [input_size] + [hidden_size] * (layers - 1)
        self.layers = nn.ModuleList(
            nn.ModuleList(Recurrent(cell, size, hidden_size // directions, 1, 0.0) for _ in range(directions))
            for size in sizes
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor) -> tuple[Tensor, State]:
        """Rows without padding: all of one length."""
        last: list[Tensor] = []
        for layer in self.layers:
            inputs = self.dropout(inputs)
            read = [_read(one, inputs, backwards=index == 1) for index, one in enumerate(layer.children())]
            inputs = torch.cat([outputs for outputs, _ in read], dim=-1)
            last += [torch.cat(parts, dim=-1) for parts in zip(*(state for _, state in read), strict=True)]
        return self.dropout(inputs), tuple(last)


def _read(direction: Any, inputs: Tensor, backwards: bool) -> tuple[Tensor, State]:
    start = direction.start(len(inputs))
    if not backwards:
        return direction(inputs, start)
    outputs, last = direction(inputs.flip(1), start)
    return outputs.flip(1), last
