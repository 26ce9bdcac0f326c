"""The decoder of a target: notes "Transformers-2", h_m = decoder(h_{m-1}, d_{m-1}), h_0 = z*; attention if wanted.

With attention what goes to the softmax is a_m = tanh(W [h_m; c_m]), where c_m is the context that h_m looks up (Luong,
Pham and Manning 2015, equation 5). With input feeding (section 3.3 there) the cell reads [d_{m-1}; a_{m-1}]; without it
no step waits for the attention of the one before, so that all steps are computed at once.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from unroll.layers.recurrent import Recurrent, State
from unroll.models.seq2seq.attention import ALIGNMENTS, Alignment, Attention, Memory
from unroll.params.layers import Cell


class Decoded(NamedTuple):
    outputs: Tensor
    """(B, T, H), for the softmax."""
    state: State
    """After the last step."""
    weights: Tensor | None
    """(B, T, S) of the attention; None without."""


class Decoder(nn.Module):
    """`layers` recurrent layers over (B, T, input_size), from z*, and the attention on a memory."""

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        layers: int,
        dropout: float,
        attention: Attention | None,
        input_feeding: bool,
    ) -> None:
        super().__init__()
        self.feeds = attention is not None and input_feeding
        self.recurrent = Recurrent(cell, input_size + hidden_size * self.feeds, hidden_size, layers, dropout)
        self.alignment: Alignment | None = ALIGNMENTS[attention](hidden_size) if attention else None
        self.combine = nn.Linear(2 * hidden_size, hidden_size, bias=False) if attention else None
        self.dropout = nn.Dropout(dropout)

    def start(self, last: State) -> State:
        """From z*; with input feeding a_0 = 0 is part of the state."""
        return (*last, torch.zeros_like(last[0])) if self.feeds else last

    def memory(self, values: Tensor, words: Tensor | None = None) -> Memory | None:
        """Of the encoder's outputs (B, S, H); None without attention."""
        return self.alignment.memory(values, words) if self.alignment is not None else None

    def forward(self, inputs: Tensor, state: State, memory: Memory | None) -> Decoded:
        if not self.feeds:
            hidden, state = self.recurrent(inputs, state)
            outputs, weights = self._attend(hidden, memory)
            return Decoded(outputs, state, weights)
        steps = []
        for step in torch.split(inputs, 1, dim=1):
            hidden, after = self.recurrent(torch.cat([step, state[-1][:, None]], dim=-1), state[:-1])
            outputs, weights = self._attend(hidden, memory)
            state = (*after, outputs[:, 0])
            steps.append((outputs, weights))
        outputs, weights = (torch.cat(parts, dim=1) for parts in zip(*steps, strict=True))
        return Decoded(outputs, state, weights)

    def _attend(self, hidden: Tensor, memory: Memory | None) -> tuple[Tensor, Tensor | None]:
        if self.alignment is None or self.combine is None or memory is None:
            return hidden, None
        contexts, weights = self.alignment(hidden, memory)
        return self.dropout(torch.tanh(self.combine(torch.cat([hidden, contexts], dim=-1)))), weights
