"""The linear output layer and the cross-entropy in one operation, which never holds the logits of a whole batch.

The loss is the last operation of a network, so its gradient can be computed with it. With p = softmax(W h + b),

    d nats / d logits = p - onehot(target)

or with label smoothing s (Szegedy et al. 2016), p - (1 - s) onehot(target) - s / V. For each chunk of rows the gradient
of the logits overwrites p and is multiplied into the gradients of h, W and b. Autograd would hold the logits, their
log-softmax and its gradient of the whole batch.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from unroll.arithmetic.threads import cut, share
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED

CHUNK = 1 << 23
"""The maximum number of logits of a chunk (32 MB). It bounds memory; every chunk adds to the whole gradient of W."""
SMALLEST = 1 << 17
"""The minimum number of logits that a thread computes the softmax of."""


def cross_entropy(
    hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, bfloat16: bool, smoothing: float = 0.0
) -> Tensor:
    """Compute the summed cross-entropy of targets. It equals `torch.nn.functional.cross_entropy`.

    Args:
        hidden: Hidden vectors (N, H).
        weight: The output weights (V, H).
        bias: The output biases (V,).
        targets: Token ids (N,). `<pad>` and `<bos>` are not counted.
        bfloat16: Compute the three products with 16 bits, as under autocast. All else and all sums have 32 bits.
        smoothing: The fraction of each target's probability that is spread over all predicted tokens.

    Returns:
        The sum in nats. Without smoothing, a probability below 1e-38 counts as 1e-38.
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
        dtype = torch.bfloat16 if bfloat16 else torch.float32
        counted = (targets >= FIRST_PREDICTED).float()
        h, w, b = hidden.to(dtype), weight[FIRST_PREDICTED:].to(dtype), bias[FIRST_PREDICTED:].to(dtype)
        classes = (targets - FIRST_PREDICTED).clamp(min=0)
        d_hidden, d_weight, d_bias = torch.empty_like(hidden), torch.zeros_like(weight), torch.zeros_like(bias)
        nats = hidden.new_zeros(len(hidden))
        chunks = max(1, -(-len(hidden) * len(w) // CHUNK))
        size = -(-len(hidden) // chunks)
        for first in range(0, len(hidden), size):
            rows = slice(first, first + size)
            logits = torch.addmm(b, h[rows], w.T)  # (n, V)
            gradient, nats[rows] = _gradient(logits, classes[rows], smoothing)
            # Rows that are not counted are masked in the products, which have fewer elements than the logits.
            d_bias[FIRST_PREDICTED:] += counted[rows] @ gradient
            d_logits, inputs = gradient.to(dtype), h[rows] * counted[rows, None].to(dtype)
            d_hidden[rows] = (d_logits @ w) * counted[rows, None]
            if bfloat16:
                d_weight[FIRST_PREDICTED:] += d_logits.T @ inputs
            else:
                d_weight[FIRST_PREDICTED:].addmm_(d_logits.T, inputs)
        ctx.gradients = (d_hidden, d_weight, d_bias)
        return counted @ nats

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, scale: Tensor) -> Any:
        d_hidden, d_weight, d_bias = ctx.gradients
        del ctx.gradients  # they are scaled in place, so they can be used only once
        return d_hidden.mul_(scale), d_weight.mul_(scale), d_bias.mul_(scale), None, None, None


def _gradient(logits: Tensor, classes: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """Return the gradient of logits (n, V) for classes (n,), with the shape of the logits, and the nats (n,)."""
    gradient, nats = (logits.new_empty(shape, dtype=torch.float32) for shape in (logits.shape, classes.shape))

    def compute(part: slice) -> None:
        if smoothing:
            _write_smoothed(logits[part], classes[part], smoothing, gradient[part], nats[part])
        else:
            _write_plain(logits[part], classes[part], gradient[part], nats[part])

    share([partial(compute, part) for part in cut(len(logits), SMALLEST // logits.shape[1] + 1)])
    return gradient, nats


def _write_plain(logits: Tensor, classes: Tensor, gradient: Tensor, nats: Tensor) -> None:
    rows = torch.arange(len(logits), device=logits.device)
    p = torch.softmax(logits, dim=1, dtype=torch.float32, out=gradient)
    p_target = p[rows, classes]
    p[rows, classes] = p_target - 1
    torch.neg(p_target.clamp_(min=torch.finfo(torch.float32).tiny).log_(), out=nats)


def _write_smoothed(logits: Tensor, classes: Tensor, smoothing: float, gradient: Tensor, nats: Tensor) -> None:
    """Do the same for the targets (1 - s) onehot + s / V."""
    rows = torch.arange(len(logits), device=logits.device)
    log_p = torch.log_softmax(logits, dim=1, dtype=torch.float32, out=gradient)
    nats.copy_(-(1 - smoothing) * log_p[rows, classes] - smoothing * log_p.mean(1))
    p = log_p.exp_().sub_(smoothing / logits.shape[1])
    p[rows, classes] -= 1 - smoothing
