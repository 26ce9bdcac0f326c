"""Activation regularisation (AR) and its temporal form (TAR): small outputs, slow changes.

Merity, McCann and Socher (2017).
"""

from torch import Tensor

from unroll.neural.recurrent import Recurrent
from unroll.neural.softmax import Adaptive, Softmax
from unroll.params.models.recurrent import ActivationPenalty
from unroll.text.vocabulary import BOS


def activation_penalty(dropped: Tensor, raw: Tensor, size: float, change: float) -> Tensor:
    """AR + TAR, to add to the mean loss, of the top layer's outputs (T, B, H) with and without dropout:
    size * mean(dropped^2) + change * mean((h_t - h_{t-1})^2)."""
    penalty = size * dropped.square().mean()
    return penalty + change * (raw[1:] - raw[:-1]).square().mean() if len(raw) > 1 else penalty


def penalised(
    layers: Recurrent, softmax: Softmax | Adaptive, raw: Tensor, targets: Tensor, params: ActivationPenalty
) -> tuple[Tensor, Tensor]:
    """(summed nats, counted tokens) of targets (B, T) by the outputs of `layers` (T, B, H) before their dropout; in
    training with the penalty, as if every token had it."""
    hidden, count = layers.after(raw), (targets > BOS).sum()
    nats = softmax.loss(hidden, targets.t())
    if layers.training and (params.size or params.change):
        nats = nats + count * activation_penalty(hidden, raw, params.size, params.change)
    return nats, count
