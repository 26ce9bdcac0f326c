"""A linear-chain conditional random field (Lafferty, McCallum and Pereira 2001), as an output layer.

The score of the tags y of a sentence is s(x, y) = first(y_1) + sum_t scores_t(y_t) + sum_t transition(y_{t-1}, y_t) +
last(y_T), and p(y | x) = exp s(x, y) / Z(x). The forward algorithm computes Z, and the Viterbi algorithm the best tags.
All sentences of a batch have the same length, so there is no padding.
"""

import torch
from torch import Tensor, nn


class LinearChainCrf(nn.Module):
    """The scores of neighbouring tags, which are trained. Shapes: B sentences, T words, K tags."""

    def __init__(self, tags: int) -> None:
        """Set the number K of tags. All scores begin as zero, so that the tags are independent."""
        super().__init__()
        self.transition = nn.Parameter(torch.zeros(tags, tags))  # (K, K), a row for each previous tag
        self.first, self.last = nn.Parameter(torch.zeros(tags)), nn.Parameter(torch.zeros(tags))

    def log_likelihood(self, scores: Tensor, tags: Tensor) -> Tensor:
        """Compute log p(y | x).

        Args:
            scores: The scores of the words' tags (B, T, K).
            tags: The tags y (B, T).

        Returns:
            The logarithms (B,).
        """
        emitted = scores.gather(2, tags[..., None])[..., 0].sum(1)
        passed = self.transition[tags[:, :-1], tags[:, 1:]].sum(1)
        score = emitted + passed + self.first[tags[:, 0]] + self.last[tags[:, -1]]
        return score - self.log_partition(scores)

    def log_partition(self, scores: Tensor) -> Tensor:
        """Return log Z (B,) of scores (B, T, K), by the forward algorithm."""
        return torch.logsumexp(self._forward(scores)[-1] + self.last, dim=1)

    def log_marginals(self, scores: Tensor) -> Tensor:
        """Return log p(y_t | x), (B, T, K), of scores (B, T, K), by the forward-backward algorithm."""
        beta = self.last.expand(len(scores), -1)
        betas = [beta]
        for t in range(scores.shape[1] - 1, 0, -1):
            beta = torch.logsumexp(self.transition + (scores[:, t] + beta)[:, None], dim=2)
            betas.append(beta)
        return (torch.stack(self._forward(scores), 1) + torch.stack(betas[::-1], 1)).log_softmax(-1)

    def viterbi(self, scores: Tensor) -> Tensor:
        """Return the best tags (B, T) of scores (B, T, K)."""
        best, pointers = self.first + scores[:, 0], []
        for t in range(1, scores.shape[1]):
            reached, pointer = (best[:, :, None] + self.transition).max(dim=1)
            best = reached + scores[:, t]
            pointers.append(pointer)
        tags = [(best + self.last).argmax(dim=1)]
        for pointer in reversed(pointers):
            tags.append(pointer.gather(1, tags[-1][:, None])[:, 0])
        return torch.stack(tags[::-1], dim=1)

    def _forward(self, scores: Tensor) -> list[Tensor]:
        """Return the forward messages (B, K) of each of T words."""
        alpha = self.first + scores[:, 0]
        alphas = [alpha]
        for t in range(1, scores.shape[1]):
            alpha = torch.logsumexp(alpha[:, :, None] + self.transition, dim=1) + scores[:, t]
            alphas.append(alpha)
        return alphas
