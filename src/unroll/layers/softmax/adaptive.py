"""The adaptive softmax of Grave et al. (2017): a head of frequent words, and rare ones in clusters of shorter vectors.

p(w) = p(head w) for a frequent word, p(cluster) p(w | cluster) for another. torch's own, over ranks by frequency.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.errors import UnrollError
from unroll.params.softmax import AdaptiveSoftmax
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED


class Adaptive(nn.Module):
    def __init__(
        self, params: AdaptiveSoftmax, hidden_size: int, vocabulary_size: int, tied: Tensor | None = None
    ) -> None:
        super().__init__()
        if tied is not None:
            raise UnrollError("softmax.kind adaptive has no one output matrix to tie; set tie_weights to false")
        predicted = vocabulary_size - FIRST_PREDICTED
        if params.cutoffs[-1] >= predicted:
            raise UnrollError(
                f"softmax.cutoffs {params.cutoffs}: the last must be below the {predicted} words that are predicted"
            )
        self.clusters = nn.AdaptiveLogSoftmaxWithLoss(
            hidden_size, predicted, params.cutoffs, params.div_value, head_bias=True
        )
        # Rank by frequency of each predicted word. A frozen parameter, so that it is kept with the weights.
        self.rank = nn.Parameter(torch.arange(predicted), requires_grad=False)

    def count(self, counts: Tensor) -> None:
        """Occurrences (V,) of every token in the train split: they rank the words."""
        self.rank[counts[FIRST_PREDICTED:].argsort(descending=True, stable=True)] = torch.arange(len(self.rank))

    def log_probs(self, hidden: Tensor) -> Tensor:
        """(..., H) -> (..., V) natural log-probabilities; -inf for what is never predicted."""
        found = self.clusters.log_prob(hidden.flatten(0, -2))[:, self.rank]
        return F.pad(found, (FIRST_PREDICTED, 0), value=-torch.inf).view(*hidden.shape[:-1], -1)

    def negative_log_likelihood(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """-log p(targets) in nats, of the targets' shape; 0 where the target is never predicted (padding, <bos>)."""
        ranks = self.rank[(targets - FIRST_PREDICTED).clamp(min=0)]
        with torch.autocast(hidden.device.type, enabled=False):
            found = self.clusters(hidden.flatten(0, -2).float(), ranks.flatten()).output
        return torch.where(targets < FIRST_PREDICTED, 0, -found.view_as(targets))

    def loss(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """The sum of what `negative_log_likelihood` gives."""
        return self.negative_log_likelihood(hidden, targets).sum()
