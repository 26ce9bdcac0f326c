"""Gated recurrent unit (Cho et al. 2014).

    r_t = sigmoid(W_r x_t + b_r + U_r h_{t-1} + c_r)             reset gate
    z_t = sigmoid(W_z x_t + b_z + U_z h_{t-1} + c_z)             update gate
    n_t = tanh(W_n x_t + b_n + r_t * (U_n h_{t-1} + c_n))        candidate
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

This is the form of torch and cuDNN, in which the reset gate acts after the product with U_n; in the paper it acts
before the product (`unroll.layers.cells.gru_reset_before`). Weights are stacked in the order r, z, n.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from unroll.layers.one_hot import project


class GRU(nn.GRU):
    """One GRU layer. A GPU runs cuDNN's layer; a CPU runs `Recurrence`, which is faster than `nn.GRU` there."""

    weight_ih_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def forward(  # type: ignore[override]
        self, inputs: Tensor, state: tuple[Tensor, ...], recurrent_weight: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run all time steps.

        Args:
            inputs: Inputs (T, B, I), or the ids (T, B) of one-hot inputs.
            state: The state before the first step, one tensor (B, H).
            recurrent_weight: U (3H, H), `weight_hh_l0` or a copy of it with dropout.

        Returns:
            The outputs (T, B, H), and the state after the last step.
        """
        if inputs.is_cuda and inputs.is_floating_point():
            weights = [self.weight_ih_l0, recurrent_weight, self.bias_ih_l0, self.bias_hh_l0]
            outputs, last = torch._VF.gru(inputs, state[0][None], weights, True, 1, 0.0, self.training, False, False)
            return outputs, (last[0],)
        projected = project(inputs, self.weight_ih_l0, self.bias_ih_l0).to(recurrent_weight.dtype)  # (T, B, 3H)
        outputs = Recurrence.apply(projected, state[0], recurrent_weight, self.bias_hh_l0)  # type: ignore[no-untyped-call]
        return outputs, (outputs[-1],)


class Recurrence(torch.autograd.Function):
    """All time steps of a GRU after the product with the inputs.

    The gradients of U and c are computed by one product for the whole sequence. A step has one product and a few
    operations in place.
    """

    @staticmethod
    def forward(ctx: Any, projected: Tensor, start: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Compute h_1 .. h_T.

        Args:
            ctx: The context of autograd.
            projected: W x_t + b of all steps (T, B, 3H).
            start: h_0 (B, H).
            weight: U (3H, H).
            bias: c (3H,).

        Returns:
            h_1 .. h_T (T, B, H).
        """
        steps, rows, size = len(projected), *start.shape
        hidden = projected.new_empty(steps + 1, rows, size)  # h_0 .. h_T
        hidden[0] = start
        # W_n x + b_n, overwritten by n_t
        candidate = projected[..., 2 * size :].clone(memory_format=torch.contiguous_format)
        gates = projected + bias  # overwritten by r_t, z_t and u_t = U_n h_{t-1} + c_n
        gates[..., 2 * size :] = bias[2 * size :]
        transposed = weight.t().contiguous()
        views = hidden[:-1], hidden[1:], gates, gates[..., : 2 * size], *torch.split(gates, size, -1), candidate
        for past, now, gate, rz, r, z, u, n in zip(*(view.unbind() for view in views), strict=True):
            gate.addmm_(past, transposed)
            rz.sigmoid_()
            n.addcmul_(r, u).tanh_()
            torch.lerp(n, past, z, out=now)
        ctx.save_for_backward(hidden, gates, candidate, weight)
        return hidden[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the gradients of the arguments of `forward`, given the gradient of its result (T, B, H)."""
        hidden, gates, n, weight = ctx.saved_tensors
        size = n.shape[-1]
        r, z, u = torch.split(gates, size, -1)
        # The derivatives of h_t by the arguments of the sigmoids of r and z, and by u, for the whole sequence and in
        # place. x.addcmul_(x, y, value=-1) is x * (1 - y).
        d_gates = torch.empty_like(gates)
        d_r, d_z, d_u = torch.split(d_gates, size, -1)
        slope = torch.addcmul(n.new_ones(()), n, n, value=-1)  # (1 - z)(1 - n^2), by the argument of the tanh of n
        slope.addcmul_(slope, z, value=-1)
        torch.mul(slope, r, out=d_u)
        torch.mul(d_u, u, out=d_r)
        d_r.addcmul_(d_r, r, value=-1)
        torch.sub(hidden[:-1], n, out=d_z)
        d_z.mul_(z).addcmul_(d_z, z, value=-1)
        # Backpropagation through time multiplies them by dh_t.
        d_hidden = torch.cat([torch.zeros_like(hidden[:1]), gradient])  # dh_0 .. dh_T
        per_gate = d_gates.view(*n.shape[:2], 3, size)
        views = d_hidden[:-1], d_hidden[1:], d_hidden[1:, :, None], z, per_gate, d_gates
        for past, now, each, keep, gate, flat in reversed(list(zip(*(view.unbind() for view in views), strict=True))):
            gate.mul_(each)
            past.addcmul_(now, keep).addmm_(flat, weight)
        d_weight = d_gates.flatten(0, 1).t() @ hidden[:-1].flatten(0, 1)
        d_bias = d_gates.sum((0, 1))
        torch.mul(slope, d_hidden[1:], out=d_u)  # d_gates is now the gradient of `projected`
        return d_gates, d_hidden[0], d_weight, d_bias
