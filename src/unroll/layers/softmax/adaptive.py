"""The adaptive softmax (Grave et al. 2017): a head of frequent words, and clusters of rare words with smaller vectors.

p(w) = p(w | head) for a frequent word, and p(cluster | head) p(w | cluster) for a rare one. Words are ranked by their
frequency in the train split.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.errors import UnrollError
from unroll.params.layers import AdaptiveSoftmax
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED


class Adaptive(nn.Module):
    """The adaptive softmax of torch, over ranks of words."""

    rank: Tensor

    def __init__(
        self, params: AdaptiveSoftmax, hidden_size: int, vocabulary_size: int, tied: Tensor | None = None
    ) -> None:
        """Build the layer.

        Args:
            params: The settings of the layer.
            hidden_size: The size of the hidden vectors, H.
            vocabulary_size: The number of tokens, V.
            tied: Must be None, since the layer has several output matrices.

        Raises:
            UnrollError: The layer is tied, or the last cutoff is too large for the vocabulary.
        """
        super().__init__()
        if tied is not None:
            raise UnrollError(
                "softmax.kind adaptive has several output matrices, which cannot be tied; set tie_weights to false"
            )
        predicted = vocabulary_size - FIRST_PREDICTED
        if params.cutoffs[-1] >= predicted:
            raise UnrollError(
                f"softmax.cutoffs {params.cutoffs}: the last must be below the {predicted} words that are predicted"
            )
        self.clusters = nn.AdaptiveLogSoftmaxWithLoss(
            hidden_size, predicted, params.cutoffs, params.div_value, head_bias=True
        )
        self.register_buffer("rank", torch.arange(predicted))  # by frequency, of each predicted word

    def set_counts(self, counts: Tensor) -> None:
        """Rank the words by their counts (V,) in the train split."""
        self.rank[counts[FIRST_PREDICTED:].argsort(descending=True, stable=True)] = torch.arange(len(self.rank))

    def log_probs(self, hidden: Tensor) -> Tensor:
        """Compute the log-probabilities of all tokens.

        Args:
            hidden: Hidden vectors (..., H).

        Returns:
            Natural log-probabilities (..., V); -inf for `<pad>` and `<bos>`.
        """
        log_probs = self.clusters.log_prob(hidden.flatten(0, -2))[:, self.rank]
        return F.pad(log_probs, (FIRST_PREDICTED, 0), value=-torch.inf).view(*hidden.shape[:-1], -1)

    def negative_log_likelihood(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Compute -log p of targets.

        Args:
            hidden: Hidden vectors (..., H).
            targets: Token ids (...).

        Returns:
            Nats (...); 0 where the target is `<pad>` or `<bos>`.
        """
        ranks = self.rank[(targets - FIRST_PREDICTED).clamp(min=0)]
        with torch.autocast(hidden.device.type, enabled=False):
            log_probs = self.clusters(hidden.flatten(0, -2).float(), ranks.flatten()).output
        return torch.where(targets < FIRST_PREDICTED, 0, -log_probs.view_as(targets))

    def loss(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Compute the sum of `negative_log_likelihood`."""
        return self.negative_log_likelihood(hidden, targets).sum()
