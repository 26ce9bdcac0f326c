"""The optimizer of `training.optimizer`, and the clipping of its gradients."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from unroll.params.training import Clip, Training


def build_optimizer(params: Training, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Build the optimizer of torch for these settings.

    Args:
        params: The settings of the training.
        parameters: The parameters to train.

    Returns:
        The optimizer. It is fused (one kernel for all parameters), except with 16-bit floats.
    """
    settings, rate, fused = params.optimizer, params.learning_rate, params.precision != 16
    if settings.kind == "sgd":
        return torch.optim.SGD(
            parameters,
            rate,
            momentum=settings.momentum,
            nesterov=settings.nesterov,
            weight_decay=settings.weight_decay,
            fused=fused,
        )
    kind = torch.optim.Adam if settings.kind == "adam" else torch.optim.AdamW
    betas = (settings.betas[0], settings.betas[1])
    return kind(parameters, rate, betas, settings.epsilon, settings.weight_decay, fused=fused)


@torch.no_grad()
def clip_gradients(parameters: Iterable[nn.Parameter], params: Clip) -> tuple[Tensor, Tensor]:
    """Clip gradients in place.

    Args:
        parameters: The parameters. Those without a gradient are left out.
        params: The settings of the clipping.

    Returns:
        The Euclidean norm of all gradients before and after clipping, two scalars on the device of the gradients.
    """
    with_gradient = [parameter for parameter in parameters if parameter.grad is not None]
    norm = _norm(with_gradient)
    if params.kind == "none":
        return norm, norm
    if params.kind == "value":
        nn.utils.clip_grad_value_(with_gradient, params.max_value)
        return norm, _norm(with_gradient)
    # On a CPU the norm can be compared at once, and gradients that need no clipping are not multiplied by one.
    if norm.device.type != "cpu" or not norm <= params.max_norm:
        nn.utils.clip_grads_with_norm_(with_gradient, params.max_norm, norm)
    return norm, norm.clamp(max=params.max_norm)


def _norm(parameters: Sequence[nn.Parameter]) -> Tensor:
    return nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
