"""Output layer and cross-entropy in one, which never holds the logits of a whole batch.

The loss is the last thing a network computes, so its gradient is known as soon as it is: with p = softmax(W h + b),

    d nats / d logits = p - onehot(target)

(with label smoothing, Szegedy et al. 2016, p - (1 - s) onehot(target) - s / V) is written over p, turned into the
gradients of h, W and b, and the logits are gone before the backward pass begins. Autograd keeps the logits, their
log-softmax and its gradient: three times the memory, and the passes over it.
"""

from typing import Any

import torch
from torch import Tensor

from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED

CHUNK = 1 << 23
"""Logits held at once (32 MB). Each chunk adds to the whole gradient of W, so fewer chunks are faster as long as there
is memory: at 700 rows of 10,000 words one chunk was the fastest, at 4,096 of 4,000 all from 512 rows on were alike."""


def cross_entropy(
    hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, bfloat16: bool, smoothing: float = 0.0
) -> Tensor:
    """Summed nats of `targets` (N,) given `hidden` (N, H), `weight` (V, H) and `bias` (V,); targets that are never
    predicted count nothing. The share `smoothing` of each target's probability is spread over the V that can be
    predicted. Equal to `F.cross_entropy`; without smoothing a probability below 1e-38 counts as that.

    With `bfloat16`, or under autocast, the three products are of 16 bits, the rest and all sums of 32.
    """
    device = hidden.device.type
    bfloat16 = bfloat16 or torch.is_autocast_enabled(device)
    with torch.autocast(device, enabled=False):
        return _CrossEntropy.apply(hidden.float(), weight, bias, targets, bfloat16, smoothing)  # type: ignore[no-untyped-call]


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, bfloat16: bool, smoothing: float
    ) -> Tensor:
        kind = torch.bfloat16 if bfloat16 else torch.float32
        counted = (targets >= FIRST_PREDICTED).float()
        h, w, b = hidden.to(kind), weight[FIRST_PREDICTED:].to(kind), bias[FIRST_PREDICTED:].to(kind)
        wanted = (targets - FIRST_PREDICTED).clamp(min=0)
        of_hidden, of_weight, of_bias = torch.empty_like(hidden), torch.zeros_like(weight), torch.zeros_like(bias)
        nats = hidden.new_zeros(len(hidden))
        chunks = max(1, -(-len(hidden) * len(w) // CHUNK))
        rows = -(-len(hidden) // chunks)
        for first in range(0, len(hidden), rows):
            at = slice(first, first + rows)
            logits = torch.addmm(b, h[at], w.T)  # (n, V)
            p, nats[at] = _smoothed(logits, wanted[at], smoothing) if smoothing else _plain(logits, wanted[at])
            # p is the gradient of the logits from here on; a row that does not count is left out of what comes of it,
            # whose vectors are shorter.
            of_bias[FIRST_PREDICTED:] += counted[at] @ p
            of_logits, inputs = p.to(kind), h[at] * counted[at, None].to(kind)
            of_hidden[at] = (of_logits @ w) * counted[at, None]
            if bfloat16:
                of_weight[FIRST_PREDICTED:] += of_logits.T @ inputs
            else:
                of_weight[FIRST_PREDICTED:].addmm_(of_logits.T, inputs)
        ctx.gradients = (of_hidden, of_weight, of_bias)
        return counted @ nats

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, scale: Tensor) -> Any:
        of_hidden, of_weight, of_bias = ctx.gradients
        del ctx.gradients  # scaled in place, so good for once
        return of_hidden.mul_(scale), of_weight.mul_(scale), of_bias.mul_(scale), None, None, None


def _plain(logits: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """(n, V), (n,) -> gradient (n, V), nats (n,)"""
    each = torch.arange(len(logits), device=logits.device)
    p = torch.softmax(logits, dim=1, dtype=torch.float32)
    of_target = p[each, wanted]
    p[each, wanted] = of_target - 1
    return p, -of_target.clamp(min=torch.finfo(torch.float32).tiny).log()


def _smoothed(logits: Tensor, wanted: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """As `_plain`, of targets (1 - s) onehot + s / V."""
    each = torch.arange(len(logits), device=logits.device)
    log_p = torch.log_softmax(logits, dim=1, dtype=torch.float32)
    nats = -(1 - smoothing) * log_p[each, wanted] - smoothing * log_p.mean(1)
    p = log_p.exp_().sub_(smoothing / logits.shape[1])
    p[each, wanted] -= 1 - smoothing
    return p, nats
