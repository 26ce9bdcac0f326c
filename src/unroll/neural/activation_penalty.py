"""Activation regularisation (AR) and its temporal form (TAR): small outputs, slow changes.

Merity, McCann and Socher (2017).
"""

from torch import Tensor


def activation_penalty(dropped: Tensor, raw: Tensor, size: float, change: float) -> Tensor:
    """AR + TAR, to add to the mean loss, of the top layer's outputs (T, B, H) with and without dropout:
    size * mean(dropped^2) + change * mean((h_t - h_{t-1})^2)."""
    penalty = size * dropped.square().mean()
    return penalty + change * (raw[1:] - raw[:-1]).square().mean() if len(raw) > 1 else penalty
