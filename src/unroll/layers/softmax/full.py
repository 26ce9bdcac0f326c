"""The full softmax: p = softmax(W h + b) over the whole vocabulary."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.layers.softmax.cross_entropy import CHUNK, cross_entropy
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED

IGNORED = -100
"""The class of targets that are not counted, by torch's convention."""


class Softmax(nn.Module):
    """A linear layer and a softmax. Every token is scored at every position."""

    def __init__(
        self, hidden_size: int, vocabulary_size: int, tied: Tensor | None = None, bfloat16: bool = False
    ) -> None:
        """Build the layer.

        Args:
            hidden_size: The size of the hidden vectors, H.
            vocabulary_size: The number of tokens, V.
            tied: The embedding matrix (V, H) that the layer shares its weights with (Press and Wolf 2017).
            bfloat16: Compute the products of the training loss with 16 bits.
        """
        super().__init__()
        self.weight = nn.Parameter(torch.empty(vocabulary_size, hidden_size)) if tied is None else tied
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))
        self.bfloat16_loss = bfloat16
        if tied is None:
            nn.init.uniform_(self.weight, -(hidden_size**-0.5), hidden_size**-0.5)

    def logits(self, hidden: Tensor) -> Tensor:
        """Compute the logits of the tokens that are predicted, always with 32 bits.

        Args:
            hidden: Hidden vectors (..., H).

        Returns:
            The logits (..., V - 2), without `<pad>` and `<bos>`.
        """
        with torch.autocast(hidden.device.type, enabled=False):
            return F.linear(hidden.float(), self.weight[FIRST_PREDICTED:], self.bias[FIRST_PREDICTED:])

    def log_probs(self, hidden: Tensor) -> Tensor:
        """Compute the log-probabilities of all tokens.

        Args:
            hidden: Hidden vectors (..., H).

        Returns:
            Natural log-probabilities (..., V); -inf for `<pad>` and `<bos>`.
        """
        return F.pad(F.log_softmax(self.logits(hidden), dim=-1), (FIRST_PREDICTED, 0), value=-torch.inf)

    def negative_log_likelihood(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Compute -log p of targets.

        Args:
            hidden: Hidden vectors (..., H).
            targets: Token ids (...).

        Returns:
            Nats (...); 0 where the target is `<pad>` or `<bos>`.
        """
        classes = torch.where(targets < FIRST_PREDICTED, IGNORED, targets - FIRST_PREDICTED)
        logits = self.logits(hidden)
        nats = F.cross_entropy(logits.flatten(0, -2), classes.flatten(), ignore_index=IGNORED, reduction="none")
        return nats.view_as(targets)

    def loss(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Compute the sum of `negative_log_likelihood` without holding all logits at once.

        In training, the products have the precision of the settings.

        Args:
            hidden: Hidden vectors (..., H).
            targets: Token ids (...). `<pad>` and `<bos>` are not counted.

        Returns:
            The summed loss in nats, a scalar.
        """
        hidden, targets = hidden.flatten(0, -2), targets.flatten()
        if self.training:  # whether gradients are enabled does not say so
            return cross_entropy(hidden, self.weight, self.bias, targets, self.bfloat16_loss)
        rows = max(1, CHUNK // len(self.weight))
        parts = zip(torch.split(hidden, rows), torch.split(targets, rows), strict=True)
        return torch.stack([self.negative_log_likelihood(*part).sum() for part in parts]).sum()

    def smoothed_loss(self, hidden: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """Compute the training loss with label smoothing (Szegedy et al. 2016).

        Args:
            hidden: Hidden vectors (..., H).
            targets: Token ids (...).
            smoothing: The fraction of each target's probability that is spread over all predicted tokens.

        Returns:
            The summed loss in nats.
        """
        return cross_entropy(
            hidden.flatten(0, -2), self.weight, self.bias, targets.flatten(), self.bfloat16_loss, smoothing
        )

    def set_counts(self, counts: Tensor) -> None:
        """Set the counts (V,) of the tokens in the train split. The full softmax does not depend on them."""
