"""Variational ("locked") dropout (Gal and Ghahramani 2016): one mask per row for all of its time."""

from torch import Tensor, nn
from torch.nn import functional as F


class LockedDropout(nn.Module):
    """(T, B, H) -> (T, B, H)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return inputs
        return inputs * F.dropout(inputs.new_ones(1, *inputs.shape[1:]), self.rate)
