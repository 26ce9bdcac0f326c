"""The optimizer of `training.optimizer`, and the clipping of the gradients it is given."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from unroll.params.models.training import Clip, Training


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
def clip(parameters: Iterable[nn.Parameter], params: Clip) -> Tensor:
    """Clip the gradients in place; their Euclidean norm before, still on its device."""
    with_gradient = [parameter for parameter in parameters if parameter.grad is not None]
    norm = nn.utils.get_total_norm([parameter.grad for parameter in with_gradient if parameter.grad is not None])
    if params.kind == "value":
        nn.utils.clip_grad_value_(with_gradient, params.limit)
    # Where reading the norm makes nothing wait, a factor of one is not multiplied by: that costs as much as the step.
    elif params.kind == "norm" and (norm.device.type != "cpu" or not norm <= params.limit):
        nn.utils.clip_grads_with_norm_(with_gradient, params.limit, norm)
    return norm
