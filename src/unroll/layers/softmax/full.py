"""The output layer: notes "Recurrent Neural Networks" (Qin), equation 9, O_t = H_t W_hq + b_q, then softmax."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.layers.softmax.cross_entropy import CHUNK, cross_entropy
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED

IGNORED = -100


class Softmax(nn.Module):
    """Every word is computed at every position."""

    def __init__(
        self, hidden_size: int, vocabulary_size: int, tied: Tensor | None = None, bfloat16: bool = False
    ) -> None:
        """With `tied`, an embedding matrix (V, H), the weights are shared with it (Press and Wolf 2017). With
        `bfloat16` the products of the training loss are of 16 bits."""
        super().__init__()
        self.weight = nn.Parameter(torch.empty(vocabulary_size, hidden_size)) if tied is None else tied
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))
        self.rounded = bfloat16
        if tied is None:
            nn.init.uniform_(self.weight, -(hidden_size**-0.5), hidden_size**-0.5)

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., H) -> (..., V - 2), of the tokens that are predicted; 32 bits, whatever the network runs in."""
        with torch.autocast(hidden.device.type, enabled=False):
            return F.linear(hidden.float(), self.weight[FIRST_PREDICTED:], self.bias[FIRST_PREDICTED:])

    def log_probs(self, hidden: Tensor) -> Tensor:
        """(..., H) -> (..., V) natural log-probabilities; -inf for what is never predicted."""
        return F.pad(F.log_softmax(self.logits(hidden), dim=-1), (FIRST_PREDICTED, 0), value=-torch.inf)

    def negative_log_likelihood(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """-log p(targets) in nats, of the targets' shape; 0 where the target is never predicted (padding, <bos>)."""
        wanted = torch.where(targets < FIRST_PREDICTED, IGNORED, targets - FIRST_PREDICTED)
        logits = self.logits(hidden)
        nats = F.cross_entropy(logits.flatten(0, -2), wanted.flatten(), ignore_index=IGNORED, reduction="none")
        return nats.view_as(targets)

    def loss(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """The sum of what `negative_log_likelihood` gives, without all logits at once."""
        hidden, targets = hidden.flatten(0, -2), targets.flatten()
        if torch.is_grad_enabled():
            return cross_entropy(hidden, self.weight, self.bias, targets, self.rounded)
        rows = max(1, CHUNK // len(self.weight))
        parts = zip(torch.split(hidden, rows), torch.split(targets, rows), strict=True)
        return torch.stack([self.negative_log_likelihood(*part).sum() for part in parts]).sum()

    def smoothed_loss(self, hidden: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """As `loss`, of targets whose share `smoothing` is spread over all words: to train by."""
        return cross_entropy(hidden.flatten(0, -2), self.weight, self.bias, targets.flatten(), self.rounded, smoothing)

    def count(self, counts: Tensor) -> None:
        """Occurrences (V,) of every token in the train split: nothing depends on them here."""
