"""The scan h_t = a_t h_{t-1} + b_t, computed in linear space, with its exact gradient.

Each step is one fused operation. A long sequence is cut into blocks, on a CPU only if its steps are small: all blocks
are scanned side by side from zero, and then the state that enters a block, times the product of its decays, is added.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

MAX_BLOCKED_ELEMENTS = 1 << 12
"""The number of elements of a step (B x H) up to which a CPU scans in blocks."""
MIN_BLOCKED_STEPS = 256
"""The number of steps from which a sequence is scanned in blocks."""


def scan(decay: Tensor, added: Tensor, start: Tensor) -> Tensor:
    """Compute h_t = a_t h_{t-1} + b_t for all steps.

    Args:
        decay: a_1 .. a_T (T, B, H).
        added: b_1 .. b_T (T, B, H).
        start: h_0 (B, H).

    Returns:
        h_1 .. h_T (T, B, H).
    """
    return Scan.apply(decay, added, start)  # type: ignore[no-untyped-call]


class Scan(torch.autograd.Function):
    """The scan and its gradient, which is a scan backward in time.

    dh_{t-1} = g_{t-1} + a_t dh_t, where g is the gradient of the outputs; da_t = dh_t h_{t-1}; db_t = dh_t.
    """

    @staticmethod
    def forward(ctx: Any, decay: Tensor, added: Tensor, start: Tensor) -> Tensor:
        """Compute h_1 .. h_T (T, B, H); the arguments are those of `scan`."""
        hidden = torch.cat([start[None], added])  # h_0 .. h_T
        scan_in_place(decay, hidden)
        ctx.save_for_backward(decay, hidden)
        return hidden[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of the arguments of `forward`, given the gradient of its result (T, B, H)."""
        decay, hidden = ctx.saved_tensors
        d_hidden = torch.cat([gradient.flip(0), torch.zeros_like(hidden[:1])])  # dh_T .. dh_0
        scan_in_place(decay.flip(0), d_hidden)
        d_hidden = d_hidden.flip(0)
        return d_hidden[1:] * hidden[:-1], d_hidden[1:], d_hidden[0]


def scan_in_place(decay: Tensor, hidden: Tensor) -> None:
    """Add decay[t] * hidden[t] to hidden[t + 1] for t = 0 .. T - 1, one after the other.

    Args:
        decay: The decays (T, B, H).
        hidden: (T + 1, B, H); it is overwritten.
    """
    steps = len(decay)
    if steps < MIN_BLOCKED_STEPS or (hidden[0].numel() > MAX_BLOCKED_ELEMENTS and not hidden.is_cuda):
        _scan_by_steps(decay, hidden)
        return
    length = int(steps**0.5)
    blocks = steps // length
    whole = blocks * length
    inner = hidden[1 : whole + 1].view(blocks, length, *hidden.shape[1:])
    products = decay[:whole].reshape(blocks, length, *hidden.shape[1:]).clone()
    for t in range(1, length):  # scan all blocks from zero, and multiply the decays of each up to step t
        inner[:, t].addcmul_(products[:, t], inner[:, t - 1])
        products[:, t].mul_(products[:, t - 1])
    entry = hidden[0]
    for block, product in zip(inner.unbind(), products.unbind(), strict=True):
        block.addcmul_(product, entry)
        entry = block[-1]
    _scan_by_steps(decay[whole:], hidden[whole:])  # the steps after the last whole block


def _scan_by_steps(decay: Tensor, hidden: Tensor) -> None:
    for a, past, now in zip(decay.unbind(), hidden[:-1].unbind(), hidden[1:].unbind(), strict=True):
        now.addcmul_(a, past)
