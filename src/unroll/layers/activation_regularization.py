"""Activation regularization (AR) and temporal activation regularization (TAR): Merity, McCann and Socher (2017)."""

from torch import Tensor

from unroll.layers.recurrent import Recurrent
from unroll.layers.softmax import Adaptive, Softmax
from unroll.params.layers import ActivationRegularization
from unroll.text.tokenizers.vocabulary import BOS


def activation_regularization(dropped: Tensor, raw: Tensor, ar: float, tar: float) -> Tensor:
    """Compute the penalty ar * mean(dropped^2) + tar * mean((h_t - h_{t-1})^2).

    Args:
        dropped: Outputs of the last layer (T, B, H) after dropout.
        raw: The same outputs h before dropout (T, B, H).
        ar: The weight of large outputs.
        tar: The weight of fast changes.

    Returns:
        The penalty, a scalar to add to the mean loss.
    """
    penalty = ar * dropped.square().mean()
    return penalty + tar * (raw[1:] - raw[:-1]).square().mean() if len(raw) > 1 else penalty


def regularized_loss(
    layers: Recurrent, softmax: Softmax | Adaptive, raw: Tensor, targets: Tensor, params: ActivationRegularization
) -> tuple[Tensor, Tensor]:
    """Compute the training loss of targets, with the penalty in training.

    Args:
        layers: The recurrent layers.
        softmax: The output layer.
        raw: Outputs of the last layer (T, B, H) before dropout.
        targets: Target ids (B, T).
        params: The factors of the penalty.

    Returns:
        The summed loss in nats and the number of counted tokens. The penalty counts once per token.
    """
    hidden, count = layers.output_dropout(raw), (targets > BOS).sum()
    nats = softmax.loss(hidden, targets.t())
    if layers.training and (params.ar or params.tar):
        nats = nats + count * activation_regularization(hidden, raw, params.ar, params.tar)
    return nats, count
