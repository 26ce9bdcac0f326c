"""The encoder, which reads the source: z_s = encoder(z_{s-1}, e_s) (Sutskever, Vinyals and Le 2014)."""

from typing import Any

import torch
from torch import Tensor, nn

from unroll.layers.recurrent import Recurrent, State
from unroll.params.layers import Cell


class Encoder(nn.Module):
    """Recurrent layers: (B, S, input_size) -> (B, S, hidden_size) and the last state z*.

    In each layer of a bidirectional encoder half of the units read forward and half backward (Schuster and Paliwal
    1997). z* joins the last states of both, so it has the shape of the state of a decoder in any case.
    """

    def __init__(
        self, cell: Cell, input_size: int, hidden_size: int, layers: int, dropout: float, bidirectional: bool
    ) -> None:
        """Build the layers.

        Args:
            cell: The cell of all layers.
            input_size: The size of the inputs.
            hidden_size: The size of the outputs. Each direction of a bidirectional encoder has half of it.
            layers: The number of layers.
            dropout: The dropout rate for the inputs of every layer and for the outputs.
            bidirectional: Read backward, too.

        Raises:
            ValueError: The encoder is bidirectional, and hidden_size is odd.
        """
        super().__init__()
        directions = 2 if bidirectional else 1
        if hidden_size % directions:
            raise ValueError(f"hidden_size {hidden_size} is odd, but a bidirectional encoder needs an even one")
        sizes = [input_size] + [hidden_size] * (layers - 1)
        self.layers = nn.ModuleList(
            nn.ModuleList(Recurrent(cell, size, hidden_size // directions, 1, 0.0) for _ in range(directions))
            for size in sizes
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor) -> tuple[Tensor, State]:
        """Read sources of one length.

        Args:
            inputs: Embedded sources without padding (B, S, input_size).

        Returns:
            The outputs (B, S, hidden_size), and the last state z*.
        """
        last: list[Tensor] = []
        for layer in self.layers:
            inputs = self.dropout(inputs)
            read = [_read(one, inputs, backward=index == 1) for index, one in enumerate(layer.children())]
            inputs = torch.cat([outputs for outputs, _ in read], dim=-1)
            last += [torch.cat(parts, dim=-1) for parts in zip(*(state for _, state in read), strict=True)]
        return self.dropout(inputs), tuple(last)


def _read(direction: Any, inputs: Tensor, backward: bool) -> tuple[Tensor, State]:
    """Read inputs (B, S, I) by the layers of one direction, from a zero state."""
    start = direction.start(len(inputs))
    if not backward:
        return direction(inputs, start)
    outputs, last = direction(inputs.flip(1), start)
    return outputs.flip(1), last
