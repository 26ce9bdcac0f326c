"""minGRU and minLSTM (Feng et al. 2024): recurrent layers whose gates depend on the input alone.

    h_t = keep_t * h_{t-1} + (1 - keep_t) * candidate_t

Since no gate reads h_{t-1}, all steps are one scan (`unroll.layers.scan`). The scan is computed in linear space, so the
candidate needs no positive transform.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.layers.scan import scan


class MinRNN(nn.Module):
    """The base of both layers. It has no recurrent weights."""

    projections: ClassVar[int]
    """The number of products with the input: one for each gate, and the last one for the candidate."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        """Build the layer.

        Args:
            input_size: The size of the inputs, I.
            hidden_size: The size of the state, H.
        """
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(self.projections * hidden_size, input_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(self.projections * hidden_size))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(hidden_size**-0.5), hidden_size**-0.5)

    def keep(self, *gates: Tensor) -> Tensor:
        """Return the share of the past that is kept (..., H), given the arguments of the sigmoids of the gates."""
        raise NotImplementedError

    def forward(
        self, inputs: Tensor, state: tuple[Tensor, ...], recurrent_weight: Any = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run all time steps.

        Args:
            inputs: Inputs (T, B, I).
            state: The state before the first step, one tensor (B, H).
            recurrent_weight: Not used. Other layers need it.

        Returns:
            The outputs (T, B, H), and the state after the last step.
        """
        *gates, candidate = (
            F.linear(inputs, self.weight_ih_l0, self.bias_ih_l0).to(state[0].dtype).chunk(self.projections, -1)
        )
        keep = self.keep(*gates)
        outputs = scan(keep, candidate - keep * candidate, state[0])
        return outputs, (outputs[-1],)


class MinGRU(MinRNN):
    """z_t = sigmoid(W_z x_t + b_z) and keep = 1 - z. Weights are stacked in the order z, candidate."""

    projections = 2

    def keep(self, *gates: Tensor) -> Tensor:
        """Return 1 - sigmoid(gate), with the shape of the gate."""
        return torch.sigmoid(-gates[0])


class MinLSTM(MinRNN):
    """f_t = sigmoid(W_f x_t + b_f), i_t = sigmoid(W_i x_t + b_i) and keep = f / (f + i).

    Weights are stacked in the order f, i, candidate.
    """

    projections = 3

    def keep(self, *gates: Tensor) -> Tensor:
        """Return f / (f + i), with the shape of the gates; it is computed in log space, where it is stable."""
        forget_gate, input_gate = gates
        return torch.sigmoid(F.logsigmoid(forget_gate) - F.logsigmoid(input_gate))
