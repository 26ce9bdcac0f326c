"""The optimizer of `training.optimizer`, and the clipping of the gradients it is given."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from unroll.params.training import Clip, Training


def build(params: Training, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """torch's own, in one kernel for all weights (`fused`) but with 16 bit floats, whose gradients are scaled."""
    wanted, rate, fused = params.optimizer, params.learning_rate, params.precision != 16
    if wanted.kind == "sgd":
        return torch.optim.SGD(
            parameters,
            rate,
            momentum=wanted.momentum,
            nesterov=wanted.nesterov,
            weight_decay=wanted.weight_decay,
            fused=fused,
        )
    kind = torch.optim.Adam if wanted.kind == "adam" else torch.optim.AdamW
    betas = (wanted.betas[0], wanted.betas[1])
    return kind(parameters, rate, betas, wanted.epsilon, wanted.weight_decay, fused=fused)


@torch.no_grad()
def clip(parameters: Iterable[nn.Parameter], params: Clip) -> tuple[Tensor, Tensor]:
    """Clip the gradients in place; their Euclidean norms before and after, still on their device."""
    with_gradient = [parameter for parameter in parameters if parameter.grad is not None]
    norm = _norm(with_gradient)
    if params.kind == "none":
        return norm, norm
    if params.kind == "value":
        nn.utils.clip_grad_value_(with_gradient, params.max_value)
        return norm, _norm(with_gradient)
    # Where reading the norm makes nothing wait, a factor of one is not multiplied by: that costs as much as the step.
    if norm.device.type != "cpu" or not norm <= params.max_norm:
        nn.utils.clip_grads_with_norm_(with_gradient, params.max_norm, norm)
    return norm, norm.clamp(max=params.max_norm)


def _norm(parameters: Sequence[nn.Parameter]) -> Tensor:
    return nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
