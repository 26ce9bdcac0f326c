"""The decoder, which predicts the target: h_m = decoder(h_{m-1}, d_{m-1}), h_0 = z* (Sutskever, Vinyals and Le 2014).

With attention the output is o_m = tanh(W [h_m; c_m]), where c_m is the context of h_m (Luong, Pham and Manning 2015,
equation 5). With input feeding (section 3.3 there) the cell reads [d_{m-1}; o_{m-1}], so each step needs the attention
of the step before. Without input feeding all steps are computed together.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from unroll.layers.recurrent import Recurrent, State
from unroll.models.seq2seq.attention import ATTENTIONS, Attention, Memory
from unroll.params.layers import Cell


class Decoded(NamedTuple):
    """The results of a decoder."""

    outputs: Tensor
    """The inputs of the softmax (B, T, H)."""
    state: State
    """The state after the last step."""
    weights: Tensor | None
    """The attention weights (B, T, S); None without attention."""


class Decoder(nn.Module):
    """Recurrent layers over (B, T, input_size), which begin at z*, and attention to a memory."""

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        layers: int,
        dropout: float,
        attention: Literal["none", "dot", "additive"],
        input_feeding: bool,
    ) -> None:
        """Build the layers.

        Args:
            cell: The cell of all layers.
            input_size: The size of the inputs.
            hidden_size: The size of the states and the outputs, H.
            layers: The number of layers.
            dropout: The dropout rate for the inputs of every layer and for the outputs.
            attention: The kind of attention.
            input_feeding: Feed the outputs back as inputs. This has an effect with attention only.
        """
        super().__init__()
        self.input_feeding = attention != "none" and input_feeding
        self.recurrent = Recurrent(cell, input_size + hidden_size * self.input_feeding, hidden_size, layers, dropout)
        # The name `alignment` is part of the names of saved weights.
        self.alignment: Attention | None = ATTENTIONS[attention](hidden_size) if attention != "none" else None
        self.combine = nn.Linear(2 * hidden_size, hidden_size, bias=False) if attention != "none" else None
        self.dropout = nn.Dropout(dropout)

    def start(self, last: State) -> State:
        """Return the initial state, given z*. With input feeding it also holds o_0 = 0."""
        return (*last, torch.zeros_like(last[0])) if self.input_feeding else last

    def memory(self, values: Tensor, mask: Tensor | None = None) -> Memory | None:
        """Return the memory of the outputs of an encoder; None without attention.

        Args:
            values: The outputs of the encoder (B, S, H).
            mask: (B, S), False at padding; None if no source is padded.

        Returns:
            The memory.
        """
        return self.alignment.memory(values, mask) if self.alignment is not None else None

    def forward(self, inputs: Tensor, state: State, memory: Memory | None) -> Decoded:
        """Run all steps.

        Args:
            inputs: The embedded target tokens that are read (B, T, input_size).
            state: The state before the first step.
            memory: The memory of the sources; None without attention.

        Returns:
            The outputs, the state and the attention weights.
        """
        if not self.input_feeding:
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
        """Return the outputs (B, T, H) for hidden vectors (B, T, H), and the attention weights (B, T, S)."""
        if self.alignment is None or self.combine is None or memory is None:
            return hidden, None
        contexts, weights = self.alignment(hidden, memory)
        return self.dropout(torch.tanh(self.combine(torch.cat([hidden, contexts], dim=-1)))), weights
