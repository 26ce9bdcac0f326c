"""The scan h_t = a_t h_{t-1} + b_t, exact and in linear space, with a gradient of its own.

A loop of one fused operation per step. On a CPU it beats the parallel scans (Hillis and Steele; sums in log space),
which do more work to gain a parallelism that a few cores do not have. Where a step is so small that the loop is all
overhead, the sequence is cut into blocks that are scanned side by side, each from zero; then each adds the state that
enters it, decayed.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

SMALL = 1 << 12  # elements of a step (B x H) up to which a call costs more than its arithmetic, on a CPU
BLOCKED = 256  # steps at least, for blocks to pay


def scan(decay: Tensor, given: Tensor, start: Tensor) -> Tensor:
    """a (T, B, H), b (T, B, H), h_0 (B, H) -> h_1 .. h_T, (T, B, H)."""
    return Scan.apply(decay, given, start)  # type: ignore[no-untyped-call]


class Scan(torch.autograd.Function):
    """Its gradient is a scan too, backward in time: dh_{t-1} = g_{t-1} + a_t dh_t; da_t = dh_t h_{t-1}; db_t = dh_t."""

    @staticmethod
    def forward(ctx: Any, decay: Tensor, given: Tensor, start: Tensor) -> Tensor:
        hidden = torch.cat([start[None], given])  # h_0 .. h_T
        sweep(decay, hidden)
        ctx.save_for_backward(decay, hidden)
        return hidden[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        decay, hidden = ctx.saved_tensors
        d_hidden = torch.cat([gradient.flip(0), torch.zeros_like(hidden[:1])])  # dh_T .. dh_0
        sweep(decay.flip(0), d_hidden)
        d_hidden = d_hidden.flip(0)
        return d_hidden[1:] * hidden[:-1], d_hidden[1:], d_hidden[0]


def sweep(decay: Tensor, hidden: Tensor) -> None:
    """hidden[t + 1] += decay[t] * hidden[t] for t = 0 .. T - 1, in place; hidden (T + 1, B, H), decay (T, B, H)."""
    steps = len(decay)
    if steps < BLOCKED or (hidden[0].numel() > SMALL and not hidden.is_cuda):
        _loop(decay, hidden)
        return
    length = int(steps**0.5)
    blocks = steps // length
    whole = blocks * length
    inner = hidden[1 : whole + 1].view(blocks, length, *hidden.shape[1:])
    decays = decay[:whole].reshape(blocks, length, *hidden.shape[1:]).clone()
    for t in range(1, length):  # all blocks, each from zero, and the product of its decays so far
        inner[:, t].addcmul_(decays[:, t], inner[:, t - 1])
        decays[:, t].mul_(decays[:, t - 1])
    entry = hidden[0]
    for block, product in zip(inner.unbind(), decays.unbind(), strict=True):
        block.addcmul_(product, entry)
        entry = block[-1]
    _loop(decay[whole:], hidden[whole:])  # what is left over


def _loop(decay: Tensor, hidden: Tensor) -> None:
    for a, past, now in zip(decay.unbind(), hidden[:-1].unbind(), hidden[1:].unbind(), strict=True):
        now.addcmul_(a, past)
