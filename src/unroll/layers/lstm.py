"""Long short-term memory (Hochreiter and Schmidhuber 1997) with forget gates (Gers et al. 2000) over time.

    i_t, f_t, o_t = sigmoid(W x_t + b + U h_{t-1} + c)           input, forget and output gate, each its own weights
    g_t = tanh(W_g x_t + b_g + U_g h_{t-1} + c_g)                candidate
    C_t = f_t * C_{t-1} + i_t * g_t
    h_t = o_t * tanh(C_t)

Notes "Homework 3", section 1.2. Weights are stacked in torch's order, i, f, g, o.
"""

import torch
from torch import Tensor, nn


class LSTM(nn.LSTM):
    """One layer: cuDNN's on a GPU, oneDNN's on a CPU.

    A loop of our own, as GRU and RNN have one, took 1.0 to 1.4 times its CPU time at every size tried.
    """

    weight_ih_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def forward(  # type: ignore[override]
        self, inputs: Tensor, state: tuple[Tensor, ...], recurrent_weight: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(T, B, I), ((B, H), (B, H)) = (h, C), (4H, H) -> (T, B, H) and the state after the last step."""
        weights = [self.weight_ih_l0, recurrent_weight, self.bias_ih_l0, self.bias_hh_l0]
        if _onednn_refuses(inputs):
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


def _onednn_refuses(inputs: Tensor) -> bool:
    """Whether oneDNN would raise an error: it has no LSTM with 16-bit products for a processor without 16-bit
    instructions. The layer then computes in 32 bits."""
    sixteen_bits = not inputs.is_cuda and torch.is_autocast_enabled("cpu")
    return sixteen_bits and not torch.ops.mkldnn._is_mkldnn_bf16_supported()
