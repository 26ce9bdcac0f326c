"""Gated recurrent unit (Cho et al. 2014) over time.

    r_t = sigmoid(W_r x_t + b_r + U_r h_{t-1} + c_r)             reset gate
    z_t = sigmoid(W_z x_t + b_z + U_z h_{t-1} + c_z)             update gate
    n_t = tanh(W_n x_t + b_n + r_t * (U_n h_{t-1} + c_n))        candidate
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

as torch and cuDNN define it: the reset gate acts after the product with U_n, where the notes "Homework 3", section 1.3,
and the paper have it before. Weights are stacked in the order r, z, n.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F


class GRU(nn.GRU):
    """One layer. On a GPU cuDNN's; on a CPU our own: `nn.GRU` there is a loop of small operations under autograd, and
    takes 1.1 to 3.3 times the CPU time, the more the longer the sequence."""

    weight_ih_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def forward(  # type: ignore[override]
        self, inputs: Tensor, state: tuple[Tensor, ...], recurrent_weight: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(T, B, I), ((B, H),), (3H, H) -> (T, B, H) and the state after the last step."""
        if inputs.is_cuda:
            weights = [self.weight_ih_l0, recurrent_weight, self.bias_ih_l0, self.bias_hh_l0]
            outputs, last = torch._VF.gru(inputs, state[0][None], weights, True, 1, 0.0, self.training, False, False)
            return outputs, (last[0],)
        given = F.linear(inputs, self.weight_ih_l0, self.bias_ih_l0).to(recurrent_weight.dtype)  # (T, B, 3H)
        outputs = Recurrence.apply(given, state[0], recurrent_weight, self.bias_hh_l0)  # type: ignore[no-untyped-call]
        return outputs, (outputs[-1],)


class Recurrence(torch.autograd.Function):
    """given = W x + b (T, B, 3H), h_0 (B, H), U (3H, H), c (3H,) -> h_1 .. h_T, (T, B, H).

    Products with the input and for the gradients of the weights are one for the whole sequence; a step is left with
    one product and a few operations in place."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, start: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        steps, rows, size = len(given), *start.shape
        hidden = given.new_empty(steps + 1, rows, size)  # h_0 .. h_T
        hidden[0] = start
        candidate = given[..., 2 * size :].clone(memory_format=torch.contiguous_format)  # W_n x + b_n, turned into n_t
        gates = given + bias  # turned into r_t, z_t and u_t = U_n h_{t-1} + c_n
        gates[..., 2 * size :] = bias[2 * size :]
        transposed = weight.t().contiguous()  # a copy once, products with it are faster
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
        hidden, gates, n, weight = ctx.saved_tensors
        size = n.shape[-1]
        r, z, u = torch.split(gates, size, -1)
        # First, for the whole sequence and in place, what the gradients of r, z and u before their squashing are per
        # dh_t; x.addcmul_(x, y, value=-1) is x * (1 - y).
        d_gates = torch.empty_like(gates)
        d_r, d_z, d_u = torch.split(d_gates, size, -1)
        slope = torch.addcmul(n.new_ones(()), n, n, value=-1)  # of n: (1 - z)(1 - n^2)
        slope.addcmul_(slope, z, value=-1)
        torch.mul(slope, r, out=d_u)
        torch.mul(d_u, u, out=d_r)
        d_r.addcmul_(d_r, r, value=-1)
        torch.sub(hidden[:-1], n, out=d_z)
        d_z.mul_(z).addcmul_(d_z, z, value=-1)
        # Then back through time.
        d_hidden = torch.cat([torch.zeros_like(hidden[:1]), gradient])  # dh_0 .. dh_T
        per_gate = d_gates.view(*n.shape[:2], 3, size)
        views = d_hidden[:-1], d_hidden[1:], d_hidden[1:, :, None], z, per_gate, d_gates
        for past, now, each, keep, gate, flat in reversed(list(zip(*(view.unbind() for view in views), strict=True))):
            gate.mul_(each)
            past.addcmul_(now, keep).addmm_(flat, weight)
        d_weight = d_gates.flatten(0, 1).t() @ hidden[:-1].flatten(0, 1)
        d_bias = d_gates.sum((0, 1))
        torch.mul(slope, d_hidden[1:], out=d_u)  # d_gates is now the gradient of `given`
        return d_gates, d_hidden[0], d_weight, d_bias
