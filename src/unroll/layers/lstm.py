"""Long short-term memory (Hochreiter and Schmidhuber 1997) with forget gates (Gers, Schmidhuber and Cummins 2000).

    i_t = sigmoid(W_i x_t + b_i + U_i h_{t-1} + c_i)             input gate
    f_t = sigmoid(W_f x_t + b_f + U_f h_{t-1} + c_f)             forget gate
    g_t = tanh(W_g x_t + b_g + U_g h_{t-1} + c_g)                candidate
    o_t = sigmoid(W_o x_t + b_o + U_o h_{t-1} + c_o)             output gate
    C_t = f_t * C_{t-1} + i_t * g_t
    h_t = o_t * tanh(C_t)

Weights are stacked in torch's order: i, f, g, o.
"""

import torch
from torch import Tensor, nn


class LSTM(nn.LSTM):
    """One LSTM layer. A GPU runs cuDNN's layer, a CPU oneDNN's."""

    weight_ih_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def forward(  # type: ignore[override]
        self, inputs: Tensor, state: tuple[Tensor, ...], recurrent_weight: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run all time steps.

        Args:
            inputs: Inputs (T, B, I).
            state: The state (h, C) before the first step, two tensors (B, H).
            recurrent_weight: U (4H, H), `weight_hh_l0` or a copy of it with dropout.

        Returns:
            The outputs (T, B, H), and the state (h, C) after the last step.
        """
        weights = [self.weight_ih_l0, recurrent_weight, self.bias_ih_l0, self.bias_hh_l0]
        if _lacks_16_bit_instructions(inputs):
            with torch.autocast("cpu", enabled=False):
                return self._run(inputs.float(), tuple(part.float() for part in state), weights)
        return self._run(inputs, state, weights)

    def _run(
        self, inputs: Tensor, state: tuple[Tensor, ...], weights: list[Tensor]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        outputs, *last = torch._VF.lstm(
            inputs, [part[None] for part in state], weights, True, 1, 0.0, self.training, False, False
        )
        return outputs, tuple(part[0] for part in last)


def _lacks_16_bit_instructions(inputs: Tensor) -> bool:
    """Return whether oneDNN would raise an error under autocast on this processor; the layer then uses 32 bits."""
    sixteen_bits = not inputs.is_cuda and torch.is_autocast_enabled("cpu")
    return sixteen_bits and not torch.ops.mkldnn._is_mkldnn_bf16_supported()
