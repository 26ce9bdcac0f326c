"""Simple recurrent network over time: h_t = phi(W x_t + b + U h_{t-1} + c); Elman 1990 with phi = tanh; notes
"Recurrent Neural Networks" (Qin), equation 8."""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

Nonlinearity = Literal["tanh", "relu", "sigmoid"]

KEPT = 0.5
SQUASH = {"tanh": torch.tanh_, "relu": torch.relu_, "sigmoid": torch.sigmoid_}
SLOPES = {"tanh": lambda h: 1 - h * h, "relu": lambda h: (h > 0).to(h.dtype), "sigmoid": lambda h: h * (1 - h)}
"""phi' by the value of phi."""


class RNN(nn.RNN):
    """One layer. On a GPU cuDNN's, but for the sigmoid, which it lacks; on a CPU our own."""

    weight_hh_l0: Tensor
    weight_ih_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(self, input_size: int, hidden_size: int, nonlinearity: Nonlinearity = "tanh") -> None:
        super().__init__(input_size, hidden_size)
        self.phi = nonlinearity
        if nonlinearity == "relu":
            # Unbounded and with a slope of one, so the recurrent weights decide alone whether it explodes. Begun as the
            # identity they keep the state and its gradient as they are, scaled down they forget: Le, Jaitly and Hinton
            # (2015). A language model carries its state without end, so it begins by forgetting half at each step.
            with torch.no_grad():
                self.weight_hh_l0.copy_(KEPT * torch.eye(hidden_size))
            nn.init.zeros_(self.bias_ih_l0)
            nn.init.zeros_(self.bias_hh_l0)

    def forward(  # type: ignore[override]
        self, inputs: Tensor, state: tuple[Tensor, ...], recurrent_weight: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(T, B, I), ((B, H),), (H, H) -> (T, B, H) and the state after the last step."""
        if inputs.is_cuda and self.phi != "sigmoid":
            weights = [self.weight_ih_l0, recurrent_weight, self.bias_ih_l0, self.bias_hh_l0]
            layer = torch._VF.rnn_tanh if self.phi == "tanh" else torch._VF.rnn_relu
            outputs, last = layer(inputs, state[0][None], weights, True, 1, 0.0, self.training, False, False)
            return outputs, (last[0],)
        given = F.linear(inputs, self.weight_ih_l0, self.bias_ih_l0 + self.bias_hh_l0)  # (T, B, H)
        given = given.to(recurrent_weight.dtype)
        outputs = Recurrence.apply(given, state[0], recurrent_weight, self.phi)  # type: ignore[no-untyped-call]
        return outputs, (outputs[-1],)


class Recurrence(torch.autograd.Function):
    """given = W x + b + c (T, B, H), h_0 (B, H), U (H, H) -> h_1 .. h_T, (T, B, H)."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, start: Tensor, weight: Tensor, phi: Nonlinearity) -> Tensor:
        hidden = torch.cat([start[None], given])  # h_0 .. h_T
        transposed = weight.t().contiguous()  # a copy once, products with it are faster
        squash = SQUASH[phi]
        for past, now in zip(hidden[:-1].unbind(), hidden[1:].unbind(), strict=True):
            squash(now.addmm_(past, transposed))
        ctx.save_for_backward(hidden, weight)
        ctx.phi = phi
        return hidden[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        hidden, weight = ctx.saved_tensors
        h = hidden[1:]
        slope = SLOPES[ctx.phi](h)
        d_hidden = torch.cat([torch.zeros_like(hidden[:1]), gradient])  # dh_0 .. dh_T, turned into d_given
        views = d_hidden[:-1], d_hidden[1:], slope
        for past, now, steep in reversed(list(zip(*(view.unbind() for view in views), strict=True))):
            past.addmm_(now.mul_(steep), weight)
        d_given = d_hidden[1:]
        return d_given, d_hidden[0], d_given.flatten(0, 1).t() @ hidden[:-1].flatten(0, 1), None
