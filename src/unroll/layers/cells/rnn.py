"""Simple recurrent network (Elman 1990; Goodfellow, Bengio and Courville 2016, section 10.2).

h_t = phi(W x_t + b + U h_{t-1} + c)

With the identity as phi it is a linear network: h_t = U^t h_0 + sum_k U^(t-k) (W x_k + b + c), so that x_1 acts on h_t
through U^(t-1) W.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from unroll.layers.one_hot import project

Nonlinearity = Literal["tanh", "relu", "sigmoid", "identity"]

RELU_IDENTITY_SCALE = 0.5
ACTIVATIONS: dict[Nonlinearity, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh_,
    "relu": torch.relu_,
    "sigmoid": torch.sigmoid_,
    "identity": lambda x: x,
}
"""phi, computed in place."""
DERIVATIVES: dict[Nonlinearity, Callable[[Tensor], Tensor]] = {
    "tanh": lambda h: 1 - h * h,
    "relu": lambda h: (h > 0).to(h.dtype),
    "sigmoid": lambda h: h * (1 - h),
    "identity": torch.ones_like,
}
"""phi' as a function of h = phi(x)."""
LARGEST_DERIVATIVES: dict[Nonlinearity, float] = {"tanh": 1.0, "relu": 1.0, "sigmoid": 0.25, "identity": 1.0}
"""The maximum of phi'."""
ON_GPU = {"tanh": torch._VF.rnn_tanh, "relu": torch._VF.rnn_relu}
"""The layers of cuDNN."""


class RNN(nn.RNN):
    """One simple recurrent layer. A GPU runs cuDNN's layer for tanh and relu, the only two that cuDNN has."""

    weight_hh_l0: Tensor
    weight_ih_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def __init__(self, input_size: int, hidden_size: int, nonlinearity: Nonlinearity = "tanh") -> None:
        """Build the layer.

        Args:
            input_size: The size of the inputs, I.
            hidden_size: The size of the state, H.
            nonlinearity: phi. For `relu` the recurrent weights begin as a scaled identity and the biases as zero (Le,
                Jaitly and Hinton 2015).
        """
        super().__init__(input_size, hidden_size)
        self.phi = nonlinearity
        if nonlinearity == "relu":
            # The identity keeps the state and its gradient. Since a language model carries its state for a whole
            # document, a scale below 1 makes the layer forget at first.
            with torch.no_grad():
                self.weight_hh_l0.copy_(RELU_IDENTITY_SCALE * torch.eye(hidden_size))
            nn.init.zeros_(self.bias_ih_l0)
            nn.init.zeros_(self.bias_hh_l0)

    def extra_repr(self) -> str:
        """Name phi, too: checkpoints tell networks apart by their names and weights."""
        return f"{super().extra_repr()}, phi={self.phi}"

    def forward(  # type: ignore[override]
        self, inputs: Tensor, state: tuple[Tensor, ...], recurrent_weight: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run all time steps.

        Args:
            inputs: Inputs (T, B, I), or the ids (T, B) of one-hot inputs.
            state: The state before the first step, one tensor (B, H).
            recurrent_weight: U (H, H), `weight_hh_l0` or a copy of it with dropout.

        Returns:
            The outputs (T, B, H), and the state after the last step.
        """
        if inputs.is_cuda and inputs.is_floating_point() and self.phi in ON_GPU:
            weights = [self.weight_ih_l0, recurrent_weight, self.bias_ih_l0, self.bias_hh_l0]
            outputs, last = ON_GPU[self.phi](inputs, state[0][None], weights, True, 1, 0.0, self.training, False, False)
            return outputs, (last[0],)
        projected = project(inputs, self.weight_ih_l0, self.bias_ih_l0 + self.bias_hh_l0)  # (T, B, H)
        projected = projected.to(recurrent_weight.dtype)
        outputs = Recurrence.apply(projected, state[0], recurrent_weight, self.phi)  # type: ignore[no-untyped-call]
        return outputs, (outputs[-1],)


class Recurrence(torch.autograd.Function):
    """All time steps of a simple recurrent layer after the product with the inputs."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, start: Tensor, weight: Tensor, phi: Nonlinearity) -> Tensor:
        """Compute h_1 .. h_T.

        Args:
            ctx: The context of autograd.
            projected: W x_t + b + c of all steps (T, B, H).
            start: h_0 (B, H).
            weight: U (H, H).
            phi: The nonlinearity.

        Returns:
            h_1 .. h_T (T, B, H).
        """
        hidden = torch.cat([start[None], projected])  # h_0 .. h_T
        transposed = weight.t().contiguous()
        activate = ACTIVATIONS[phi]
        for past, now in zip(hidden[:-1].unbind(), hidden[1:].unbind(), strict=True):
            activate(now.addmm_(past, transposed))
        ctx.save_for_backward(hidden, weight)
        ctx.phi = phi
        return hidden[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Return the gradients of the arguments of `forward`, given the gradient of its result (T, B, H)."""
        hidden, weight = ctx.saved_tensors
        h = hidden[1:]
        slope = DERIVATIVES[ctx.phi](h)
        d_hidden = torch.cat([torch.zeros_like(hidden[:1]), gradient])  # dh_0 .. dh_T, overwritten by d_projected
        views = d_hidden[:-1], d_hidden[1:], slope
        for past, now, derivative in reversed(list(zip(*(view.unbind() for view in views), strict=True))):
            past.addmm_(now.mul_(derivative), weight)
        d_projected = d_hidden[1:]
        return d_projected, d_hidden[0], d_projected.flatten(0, 1).t() @ hidden[:-1].flatten(0, 1), None
