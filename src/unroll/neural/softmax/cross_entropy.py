"""Output layer and cross-entropy in one, which never holds the logits of a whole batch.

The loss is the last thing a network computes, so its gradient is known as soon as it is: with p = softmax(W h + b),

    d nats / d logits = p - onehot(target)

is written over p, turned into the gradients of h, W and b, and the logits are gone before the backward pass begins.
Autograd keeps the logits, their log-softmax and its gradient: three times the memory, and the passes over it.
"""

from typing import Any

import torch
from torch import Tensor

from unroll.text.vocabulary import FIRST_PREDICTED

CHUNK = 1 << 23
"""Logits held at once (32 MB). Each chunk adds to the whole gradient of W, so fewer chunks are faster as long as there
is memory: at 700 rows of 10,000 words one chunk was the fastest, at 4,096 of 4,000 all from 512 rows on were alike."""


def cross_entropy(hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, bfloat16: bool) -> Tensor:
    """Summed nats of `targets` (N,) given `hidden` (N, H), `weight` (V, H) and `bias` (V,); targets that are never
    predicted count nothing. Equal to `F.cross_entropy`; a probability below 1e-38 counts as that.

    With `bfloat16`, or under autocast, the three products are of 16 bits, the rest and all sums of 32.
    """
    device = hidden.device.type
    bfloat16 = bfloat16 or torch.is_autocast_enabled(device)
    with torch.autocast(device, enabled=False):
        return _CrossEntropy.apply(hidden.float(), weight, bias, targets, bfloat16)  # type: ignore[no-untyped-call]


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, bfloat16: bool) -> Tensor:
        kind = torch.bfloat16 if bfloat16 else torch.float32
        h, w, b = hidden.to(kind), weight[FIRST_PREDICTED:].to(kind), bias[FIRST_PREDICTED:].to(kind)
        counted = targets >= FIRST_PREDICTED
        wanted = (targets - FIRST_PREDICTED).clamp(min=0)
        of_hidden, of_weight, of_bias = torch.empty_like(hidden), torch.empty_like(weight), torch.zeros_like(bias)
        of_weight[:FIRST_PREDICTED] = 0
        nats = hidden.new_zeros(len(hidden))
        chunks = max(1, -(-len(hidden) * len(w) // CHUNK))
        rows = -(-len(hidden) // chunks)
        for first in range(0, len(hidden), rows):
            at = slice(first, first + rows)
            p = torch.softmax(torch.addmm(b, h[at], w.T), dim=1, dtype=torch.float32)  # (n, V)
            each = torch.arange(len(p), device=p.device)
            of_target = p[each, wanted[at]]
            nats[at] = -of_target.clamp(min=torch.finfo(torch.float32).tiny).log()
            p[each, wanted[at]] = of_target - 1  # p is the gradient of the logits from here on
            p[~counted[at]] = 0
            of_bias[FIRST_PREDICTED:] += p.sum(0)
            of_logits = p.to(kind)
            of_hidden[at] = of_logits @ w
            if first == 0:
                of_weight[FIRST_PREDICTED:] = of_logits.T @ h[at]
            elif bfloat16:
                of_weight[FIRST_PREDICTED:] += of_logits.T @ h[at]
            else:
                of_weight[FIRST_PREDICTED:].addmm_(of_logits.T, h[at])
        ctx.gradients = (of_hidden, of_weight, of_bias)
        return torch.where(counted, nats, 0).sum()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, scale: Tensor) -> Any:
        of_hidden, of_weight, of_bias = ctx.gradients
        del ctx.gradients  # scaled in place, so good for once
        return of_hidden.mul_(scale), of_weight.mul_(scale), of_bias.mul_(scale), None, None
