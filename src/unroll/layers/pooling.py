"""From the vectors of the tokens of a document to one vector: their mean, or a mean weighted by attention."""

import torch
from torch import Tensor, nn

from unroll.layers.sequence_encoder import padding_mask


def mean(values: Tensor, lengths: Tensor) -> Tensor:
    """Compute the mean over the tokens of each document.

    Args:
        values: The vectors of tokens with padding behind them (T, B, H).
        lengths: The number of tokens of each document (B,).

    Returns:
        The means (B, H); zero for a document without a token.
    """
    mask = padding_mask(lengths, len(values))[..., None]  # (T, B, 1)
    return values.masked_fill(~mask, 0).sum(0) / lengths.clamp(min=1)[:, None]


class AttentionPooling(nn.Module):
    """A weighted mean, with weights that are computed from the vectors themselves (Yang et al. 2016, section 2.2).

        u_t = tanh(W h_t + b)      a_t = exp(u_t . u) / sum_s exp(u_s . u)      v = sum_t a_t h_t

    The context vector u is trained with W and b.
    """

    def __init__(self, size: int) -> None:
        """Build the layer for vectors of this size, H."""
        super().__init__()
        self.projection = nn.Linear(size, size)
        self.context = nn.Parameter(torch.empty(size).uniform_(-(size**-0.5), size**-0.5))

    def forward(self, values: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Pool the vectors of each document.

        Args:
            values: The vectors of tokens with padding behind them (T, B, H).
            lengths: The number of tokens of each document (B,), at least 1.

        Returns:
            The weighted means (B, H), and the weights (T, B), which are exactly 0 at padding.
        """
        padding = ~padding_mask(lengths, len(values))  # (T, B)
        values = values.masked_fill(padding[..., None], 0)
        scores = torch.tanh(self.projection(values)) @ self.context  # (T, B)
        weights = scores.masked_fill(padding, -torch.inf).softmax(0)
        return (weights[..., None] * values).sum(0), weights
