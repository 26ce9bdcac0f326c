"""Output layers that are trained on a few sampled words and evaluated on all words.

They are the sampled softmax (Bengio and Senecal 2008; Jean et al. 2015), noise-contrastive estimation (Mnih and Teh
2012) and negative sampling (Mikolov et al. 2013).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.layers.softmax.full import Softmax
from unroll.params.layers import Sampling
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED


class Sampled(Softmax):
    """The softmax over the target and K words that are drawn from a noise distribution q.

    In log p(w | h) = s(w) - log sum_v exp s(v), the sum over all words is replaced by

        s'(w) = s(w) - log(K q(w))        loss = logsumexp over {target, K words but the target} of s' - s'(target)

    The gradient is unbiased in the limit of large K.
    """

    log_noise: Tensor

    def __init__(self, params: Sampling, hidden_size: int, vocabulary_size: int, tied: Tensor | None = None) -> None:
        """Build the layer.

        Args:
            params: The settings of the layer.
            hidden_size: The size of the hidden vectors, H.
            vocabulary_size: The number of tokens, V.
            tied: The embedding matrix (V, H) that the layer shares its weights with (Press and Wolf 2017).
        """
        super().__init__(hidden_size, vocabulary_size, tied)
        self.params = params
        predicted = vocabulary_size - FIRST_PREDICTED
        self.register_buffer("log_noise", torch.full((predicted,), 1 / predicted).log())  # log q (V - 2,)

    def set_counts(self, counts: Tensor) -> None:
        """Set q by the counts (V,) of the tokens in the train split. A count of 0 is taken as 1."""
        weights = counts[FIRST_PREDICTED:].clamp(min=1).double() ** self.params.exponent
        self.log_noise.copy_((weights / weights.sum()).log())

    def loss(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Compute the sum of `objective` over positions in training, and the exact nats otherwise.

        Args:
            hidden: Hidden vectors (..., H).
            targets: Token ids (...). `<pad>` and `<bos>` are not counted.

        Returns:
            The summed loss, a scalar.
        """
        if not self.training:
            return super().loss(hidden, targets)
        with torch.autocast(hidden.device.type, enabled=False):
            hidden, targets = hidden.flatten(0, -2).float(), targets.flatten()
            counted = targets >= FIRST_PREDICTED
            targets = (targets - FIRST_PREDICTED).clamp(min=0)
            noise = torch.multinomial(self.log_noise.exp(), self.params.samples, replacement=True)  # (K,)
            target_scores, noise_scores = self._score_targets(hidden, targets), self._score_noise(hidden, noise)
            losses = self.objective(target_scores, noise_scores, targets, noise)
        return torch.where(counted, losses, 0).sum()

    def _score_targets(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Return s(target) (N,)."""
        words = targets + FIRST_PREDICTED
        return (hidden * self.weight[words]).sum(1) + self.bias[words]

    def _score_noise(self, hidden: Tensor, noise: Tensor) -> Tensor:
        """Return s of the sampled words (N, K)."""
        words = noise + FIRST_PREDICTED
        return torch.addmm(self.bias[words], hidden, self.weight[words].T)

    def log_expected_counts(self, words: Tensor) -> Tensor:
        """Return log(K q(w)), the logarithm of the expected count of each word among the samples; words is (N,)."""
        return self.log_noise[words] + torch.tensor(float(self.params.samples)).log()

    def objective(self, target_scores: Tensor, noise_scores: Tensor, targets: Tensor, noise: Tensor) -> Tensor:
        """Compute the training loss of each position.

        Args:
            target_scores: s(target) (N,).
            noise_scores: s of the sampled words (N, K).
            targets: The target words (N,), counted from the first predicted token.
            noise: The sampled words (K,), counted from the first predicted token.

        Returns:
            The losses (N,).
        """
        target_scores = target_scores - self.log_expected_counts(targets)
        noise_scores = noise_scores - self.log_expected_counts(noise)
        noise_scores = noise_scores.masked_fill(noise == targets[:, None], -torch.inf)
        return torch.logsumexp(torch.cat([target_scores[:, None], noise_scores], dim=1), dim=1) - target_scores


class NoiseContrastive(Sampled):
    """Noise-contrastive estimation (Gutmann and Hyvarinen 2010; Mnih and Teh 2012).

    P(target | w) = sigmoid(s(w) - log(K q(w))). The optimal s is log p(w | h), which is normalized.
    """

    def set_counts(self, counts: Tensor) -> None:
        """Set q by the counts (V,), and the biases to log q, so that the initial scores are nearly normalized."""
        super().set_counts(counts)
        with torch.no_grad():
            self.bias[-len(self.log_noise) :] = self.log_noise

    def objective(self, target_scores: Tensor, noise_scores: Tensor, targets: Tensor, noise: Tensor) -> Tensor:
        """Compute the loss of each position (N,), with scores relative to the expected counts; see `Sampled`."""
        return binary_cross_entropy(
            target_scores - self.log_expected_counts(targets), noise_scores - self.log_expected_counts(noise)
        )


class NegativeSampling(Sampled):
    """Negative sampling (Mikolov et al. 2013).

    P(target | w) = sigmoid(s(w)). The optimal s is log p(w | h) - log(K q(w)), so p is proportional to q exp(s).
    """

    def set_counts(self, counts: Tensor) -> None:
        """Set q by the counts (V,), and the biases to -log K, for which p is nearly q."""
        super().set_counts(counts)
        nn.init.constant_(self.bias, -math.log(self.params.samples))

    def logits(self, hidden: Tensor) -> Tensor:
        """Compute s(w) + log q(w), (..., V - 2), for hidden vectors (..., H)."""
        return super().logits(hidden) + self.log_noise

    def objective(self, target_scores: Tensor, noise_scores: Tensor, targets: Tensor, noise: Tensor) -> Tensor:
        """Compute the loss of each position (N,); see `Sampled`."""
        return binary_cross_entropy(target_scores, noise_scores)


def binary_cross_entropy(target_scores: Tensor, noise_scores: Tensor) -> Tensor:
    """Compute -log sigmoid(target score) - sum over noise words of log sigmoid(-noise score).

    Args:
        target_scores: (N,).
        noise_scores: (N, K).

    Returns:
        The losses (N,).
    """
    return F.softplus(-target_scores) + F.softplus(noise_scores).sum(1)
