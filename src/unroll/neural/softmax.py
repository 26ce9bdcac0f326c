"""The output layer: notes "Recurrent Neural Networks" (Qin), equation 9, O_t = H_t W_hq + b_q, then softmax."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.text.vocabulary import FIRST_PREDICTED

IGNORED = -100


class Softmax(nn.Module):
    """A distribution over the vocabulary but for `<pad>` and `<bos>`, which are never predicted."""

    def __init__(self, hidden_size: int, vocabulary_size: int, tied: Tensor | None = None) -> None:
        """With `tied`, an embedding matrix (V, H), the weights are shared with it (Press and Wolf 2017)."""
        super().__init__()
        self.weight = nn.Parameter(torch.empty(vocabulary_size, hidden_size)) if tied is None else tied
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))
        if tied is None:
            nn.init.uniform_(self.weight, -(hidden_size**-0.5), hidden_size**-0.5)

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., H) -> (..., V - 2), of the tokens that are predicted."""
        return F.linear(hidden, self.weight[FIRST_PREDICTED:], self.bias[FIRST_PREDICTED:])

    def log_probs(self, hidden: Tensor) -> Tensor:
        """(..., H) -> (..., V) natural log-probabilities; -inf for what is never predicted."""
        return F.pad(F.log_softmax(self.logits(hidden), dim=-1), (FIRST_PREDICTED, 0), value=-torch.inf)

    def negative_log_likelihood(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """-log p(targets) in nats, of the targets' shape; 0 where the target is never predicted (padding, <bos>)."""
        wanted = torch.where(targets < FIRST_PREDICTED, IGNORED, targets - FIRST_PREDICTED)
        logits = self.logits(hidden)
        nats = F.cross_entropy(logits.flatten(0, -2), wanted.flatten(), ignore_index=IGNORED, reduction="none")
        return nats.view_as(targets)
