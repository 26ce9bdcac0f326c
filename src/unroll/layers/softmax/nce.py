"""Losses that discriminate the target from noise words: noise-contrastive estimation and negative sampling.

In training no sum over the vocabulary is computed. Evaluation computes exact probabilities.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.layers.softmax.sampled import Sampled


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
