"""Gated recurrent unit in the form of its paper (Cho et al. 2014): the reset gate acts before the product.

    r_t = sigmoid(W_r x_t + b_r + U_r h_{t-1} + c_r)             reset gate
    z_t = sigmoid(W_z x_t + b_z + U_z h_{t-1} + c_z)             update gate
    n_t = tanh(W_n x_t + b_n + U_n (r_t * h_{t-1}) + c_n)        candidate
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}

The weights have the names, the shapes and the order (r, z, n) of `unroll.layers.cells.gru`, so that either layer reads
those of the other. The results differ, since U_n (r * h) is not r * (U_n h). A step has two products, one after the
other, where `unroll.layers.cells.gru` has one.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from unroll.layers.one_hot import project


class GRUResetBefore(nn.GRU):
    """One GRU layer. cuDNN does not have it, so a GPU runs `Recurrence`, too."""

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
        projected = project(inputs, self.weight_ih_l0, self.bias_ih_l0 + self.bias_hh_l0).to(recurrent_weight.dtype)
        outputs = Recurrence.apply(projected, state[0], recurrent_weight)  # type: ignore[no-untyped-call]
        return outputs, (outputs[-1],)


class Recurrence(torch.autograd.Function):
    """All time steps after the product with the inputs. The gradient of U is computed by two products for all steps."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, start: Tensor, weight: Tensor) -> Tensor:
        """Compute h_1 .. h_T.

        Args:
            ctx: The context of autograd.
            projected: W x_t + b + c of all steps (T, B, 3H).
            start: h_0 (B, H).
            weight: U (3H, H).

        Returns:
            h_1 .. h_T (T, B, H).
        """
        steps, rows, size = len(projected), *start.shape
        hidden = projected.new_empty(steps + 1, rows, size)  # h_0 .. h_T
        hidden[0] = start
        gates = projected.clone(memory_format=torch.contiguous_format)  # overwritten by r_t, z_t and n_t
        kept = projected.new_empty(steps, rows, size)  # r_t * h_{t-1}
        to_gates, to_candidate = (part.t().contiguous() for part in torch.split(weight, [2 * size, size]))
        views = hidden[:-1], hidden[1:], gates[..., : 2 * size], *torch.split(gates, size, -1), kept
        for past, now, rz, r, z, n, reset in zip(*(view.unbind() for view in views), strict=True):
            rz.addmm_(past, to_gates).sigmoid_()
            torch.mul(r, past, out=reset)
            n.addmm_(reset, to_candidate).tanh_()
            torch.lerp(n, past, z, out=now)
        ctx.save_for_backward(hidden, gates, kept, weight)
        return hidden[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of the arguments of `forward`, given the gradient of its result (T, B, H)."""
        hidden, gates, kept, weight = ctx.saved_tensors
        size, before = hidden.shape[-1], hidden[:-1]
        r, z, n = torch.split(gates, size, -1)
        from_gates, from_candidate = torch.split(weight, [2 * size, size])
        # The derivatives by the arguments of the nonlinearities, for the whole sequence. Backpropagation through time
        # multiplies that of r by the gradient of r * h, and the others by dh_t.
        d_gates = torch.cat([before * r * (1 - r), (before - n) * z * (1 - z), (1 - z) * (1 - n * n)], -1)
        d_hidden = torch.cat([torch.zeros_like(hidden[:1]), gradient])  # dh_0 .. dh_T
        views = d_hidden[:-1], d_hidden[1:], d_gates[..., : 2 * size], *torch.split(d_gates, size, -1), r, z
        for past, now, d_rz, d_r, d_z, d_n, reset, keep in reversed(
            list(zip(*(view.unbind() for view in views), strict=True))
        ):
            d_z.mul_(now)
            d_kept = d_n.mul_(now) @ from_candidate  # of r * h
            d_r.mul_(d_kept)
            past.addcmul_(now, keep).addcmul_(d_kept, reset).addmm_(d_rz, from_gates)
        flat = d_gates.flatten(0, 1)
        d_weight = torch.cat(
            [flat[:, : 2 * size].t() @ before.flatten(0, 1), flat[:, 2 * size :].t() @ kept.flatten(0, 1)]
        )
        return d_gates, d_hidden[0], d_weight
