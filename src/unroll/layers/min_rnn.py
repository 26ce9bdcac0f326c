"""minGRU and minLSTM (Feng et al. 2024): gates that see the input alone, so that all of time is one scan.

Here in linear space, where the candidate needs no positive transform; the gradient of the scan is exact.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.layers.scan import scan


class Minimal(nn.Module):
    """h_t = keep_t * h_{t-1} + (1 - keep_t) * candidate_t; no recurrent weights."""

    gates: int  # products with the input, the candidate's included

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(self.gates * hidden_size, input_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(self.gates * hidden_size))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden_size**-0.5), hidden_size**-0.5)

    def keep(self, *gates: Tensor) -> Tensor:
        """The share of the past that stays, of the gates before squashing."""
        raise NotImplementedError

    def forward(
        self, inputs: Tensor, state: tuple[Tensor, ...], recurrent_weight: Any = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(T, B, I), ((B, H),) -> (T, B, H) and the state after the last step."""
        *gates, candidate = (
            F.linear(inputs, self.weight_ih_l0, self.bias_ih_l0).to(state[0].dtype).chunk(self.gates, -1)
        )
        keep = self.keep(*gates)
        outputs = scan(keep, candidate - keep * candidate, state[0])
        return outputs, (outputs[-1],)


class MinGRU(Minimal):
    """z_t = sigmoid(W_z x_t + b_z), keep = 1 - z; weights in the order z, candidate."""

    gates = 2

    def keep(self, *gates: Tensor) -> Tensor:
        return torch.sigmoid(-gates[0])


class MinLSTM(Minimal):
    """f_t, i_t = sigmoid(W x_t + b), each its own weights; keep = f / (f + i); weights in the order f, i, candidate."""

    gates = 3

    def keep(self, *gates: Tensor) -> Tensor:
        forget, admit = gates
        return torch.sigmoid(F.logsigmoid(forget) - F.logsigmoid(admit))  # f / (f + i), safe where both are near 0
