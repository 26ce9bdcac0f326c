"""Long short-term memory (Hochreiter and Schmidhuber 1997) with forget gates (Gers, Schmidhuber and Cummins 2000).

    i_t = sigmoid(W_i x_t + b_i + U_i h_{t-1} + c_i)             input gate
    f_t = sigmoid(W_f x_t + b_f + U_f h_{t-1} + c_f)             forget gate
    g_t = tanh(W_g x_t + b_g + U_g h_{t-1} + c_g)                candidate
    o_t = sigmoid(W_o x_t + b_o + U_o h_{t-1} + c_o)             output gate
    C_t = f_t * C_{t-1} + i_t * g_t
    h_t = o_t * tanh(C_t)

Weights are stacked in torch's order: i, f, g, o.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from unroll.arithmetic.threads import cut, is_portable, share
from unroll.layers.one_hot import project

ROWS = 8
"""The minimum number of rows of a part of a batch."""


class LSTM(nn.LSTM):
    """One LSTM layer. A GPU runs cuDNN's layer, a CPU oneDNN's with 32 bits."""

    weight_ih_l0: Tensor
    bias_ih_l0: Tensor
    bias_hh_l0: Tensor

    def forward(  # type: ignore[override]
        self, inputs: Tensor, state: Sequence[Tensor], recurrent_weight: Tensor
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Run all time steps.

        Args:
            inputs: Inputs (T, B, I), or the ids (T, B) of one-hot inputs.
            state: The state (h, C) before the first step, two tensors (B, H).
            recurrent_weight: U (4H, H), `weight_hh_l0` or a copy of it with dropout.

        Returns:
            The outputs (T, B, H), and the state (h, C) after the last step.
        """
        weights = [self.weight_ih_l0, recurrent_weight, self.bias_ih_l0, self.bias_hh_l0]
        if not inputs.is_floating_point():  # torch's layer multiplies by W: it gets W x + b, and the identity as W
            inputs = project(inputs, *weights[::2])
            identity = torch.eye(len(self.bias_ih_l0), dtype=inputs.dtype, device=inputs.device)
            weights[::2] = [identity, torch.zeros_like(self.bias_ih_l0)]
        if inputs.is_cuda:
            outputs, hidden, cell = run(inputs, state, weights)
        else:  # oneDNN has no 16-bit layer on a processor without 16-bit instructions
            with torch.autocast("cpu", enabled=False):
                inputs, *state = (tensor.to(recurrent_weight.dtype) for tensor in (inputs, *state))
                if is_portable():
                    train = torch.is_grad_enabled()
                    outputs, hidden, cell = ByRows.apply(train, inputs, *state, *weights)  # type: ignore[no-untyped-call]
                else:
                    outputs, hidden, cell = run(inputs, state, weights)
        return outputs, (hidden, cell)


def run(inputs: Tensor, state: Sequence[Tensor], weights: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Run torch's layer with the weights W, U, b and c: return h_1 .. h_T (T, B, H), h_T and C_T (B, H)."""
    before, train = [part[None] for part in state], torch.is_grad_enabled()
    outputs, hidden, cell = torch._VF.lstm(inputs, before, weights, True, 1, 0.0, train, False, False)
    return outputs, hidden[0], cell[0]


class ByRows(torch.autograd.Function):
    """The layer, computed for parts of the rows, each by one thread.

    With several threads oneDNN cuts its products by their number, so that the last bits depend on it. The parts depend
    on the number of rows alone, and the gradients of the weights are added up in their order.
    """

    @staticmethod
    def forward(
        ctx: Any, train: bool, inputs: Tensor, hidden: Tensor, cell: Tensor, *weights: Tensor
    ) -> tuple[Tensor, ...]:
        """Run all time steps.

        Args:
            ctx: The context of autograd.
            train: Keep what the gradient needs.
            inputs: Inputs (T, B, I).
            hidden: h_0 (B, H).
            cell: C_0 (B, H).
            weights: W, U, b and c.

        Returns:
            h_1 .. h_T (T, B, H), h_T and C_T (B, H).
        """
        ctx.parts = cut(len(hidden), ROWS)
        ctx.weights = [weight.detach().requires_grad_(train) for weight in weights]

        def compute(*part: Tensor) -> tuple[list[Tensor], tuple[Tensor, ...]]:
            leaves = [tensor.detach().requires_grad_(train) for tensor in part]
            with torch.set_grad_enabled(train):
                return leaves, run(leaves[0], leaves[1:], ctx.weights)

        made = share([partial(compute, inputs[:, rows], hidden[rows], cell[rows]) for rows in ctx.parts])
        outputs, *last = zip(*(results for _, results in made), strict=True)
        if train:
            ctx.made = made
        return torch.cat(outputs, 1).detach(), *(torch.cat(parts).detach() for parts in last)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the arguments of `forward`, given those of its results."""
        outputs, hidden, cell = gradients
        tasks = [
            partial(torch.autograd.grad, results, [*leaves, *ctx.weights], [outputs[:, rows], hidden[rows], cell[rows]])
            for (leaves, results), rows in zip(ctx.made, ctx.parts, strict=True)
        ]
        del ctx.made
        by_argument = [*zip(*share(tasks), strict=True)]
        inputs, hidden, cell = (torch.cat(parts, dim) for parts, dim in zip(by_argument, (1, 0, 0), strict=False))
        return None, inputs, hidden, cell, *(torch.stack(parts).sum(0) for parts in by_argument[3:])
