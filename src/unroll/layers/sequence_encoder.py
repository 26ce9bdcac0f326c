"""Recurrent layers that read whole documents of different lengths, forwards and backwards (Schuster and Paliwal 1997).

The documents of a batch are padded behind their ends. The backward direction begins at the last token of each document,
so both directions read the padding last, and no output of a token depends on it.
"""

import torch
from torch import Tensor, nn

from unroll.layers.dropout import VariationalDropout
from unroll.layers.recurrent import Recurrent
from unroll.params.layers import Cell, Dropouts


class SequenceEncoder(nn.Module):
    """A stack of recurrent layers of one direction or both: (T, B, input_size) -> (T, B, size)."""

    def __init__(
        self, cell: Cell, input_size: int, hidden_size: int, layers: int, bidirectional: bool, dropout: Dropouts
    ) -> None:
        """Build the layers.

        Args:
            cell: The cell of all layers.
            input_size: The size of the inputs.
            hidden_size: The size of each direction of a layer.
            layers: The number of layers.
            bidirectional: Read backwards, too. Then the outputs have twice the size.
            dropout: The dropout rates. The rate of whole words belongs to the embedding.
        """
        super().__init__()
        directions = 2 if bidirectional else 1
        self.hidden_size, self.size = hidden_size, directions * hidden_size
        inside = Dropouts(
            input=0.0, hidden=0.0, output=0.0, embedding=0.0, weight_drop=dropout.weight_drop, variational=False
        )
        self.layers = nn.ModuleList(
            nn.ModuleList(Recurrent(cell, size, hidden_size, 1, inside) for _ in range(directions))
            for size in [input_size] + [self.size] * (layers - 1)
        )
        kind = VariationalDropout if dropout.variational else nn.Dropout
        self.input_dropout, self.hidden_dropout = kind(dropout.input), kind(dropout.hidden)
        self.output_dropout = kind(dropout.output)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Read documents.

        Args:
            inputs: Embedded documents with padding behind their ends (T, B, input_size).
            lengths: The number of tokens of each document (B,), at least 1.

        Returns:
            The outputs of the last layer (T, B, size): the forward direction, then the backward one. Those of padding
            have no meaning.
        """
        order = reversed_positions(lengths, len(inputs))
        for index, layer in enumerate(self.layers):
            inputs = self.hidden_dropout(inputs) if index else self.input_dropout(inputs)
            forward, *backward = layer.children()
            outputs = [_read(forward, inputs)]
            outputs += [reverse(_read(direction, reverse(inputs, order)), order) for direction in backward]
            inputs = torch.cat(outputs, dim=-1)
        return self.output_dropout(inputs)

    def last(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """Return the last state of each direction (B, size).

        The forward direction ends at the last token of a document, and the backward one at its first token.

        Args:
            outputs: What `forward` returned (T, B, size).
            lengths: The number of tokens of each document (B,).
        """
        forward, backward = outputs[..., : self.hidden_size], outputs[..., self.hidden_size :]
        rows = torch.arange(len(lengths), device=lengths.device)
        return torch.cat([forward[lengths - 1, rows], backward[0]], dim=-1)


def _read(direction: nn.Module, inputs: Tensor) -> Tensor:
    """Return the outputs (T, B, H) of the layers of one direction, from a zero state."""
    assert isinstance(direction, Recurrent)
    outputs, _ = direction.unroll(inputs, direction.start(inputs.shape[1]))
    return outputs


def reversed_positions(lengths: Tensor, steps: int) -> Tensor:
    """Return the positions of tokens in reverse order.

    Args:
        lengths: The number of tokens of each document (B,).
        steps: The number of steps T.

    Returns:
        (T, B): the position in its document that is read at each step backwards. Padding stays at its place.
    """
    steps_read = torch.arange(steps, device=lengths.device)[:, None]
    return torch.where(steps_read < lengths, lengths - 1 - steps_read, steps_read)


def reverse(values: Tensor, order: Tensor) -> Tensor:
    """Return values (T, B, H) in the order of `reversed_positions`. Applied twice, it changes nothing."""
    return values.gather(0, order[..., None].expand_as(values))


def padding_mask(lengths: Tensor, steps: int) -> Tensor:
    """Return the mask (T, B) that is False at the padding of documents of these lengths (B,)."""
    return torch.arange(steps, device=lengths.device)[:, None] < lengths
