"""Targets told from noise, one decision each: no sum over the vocabulary while training, an exact one to evaluate."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.layers.softmax.sampled import Sampled


class NoiseContrastive(Sampled):
    """NCE (Gutmann and Hyvarinen 2010; Mnih and Teh 2012): P(target | w) = sigmoid(s(w) - log(K q(w))), whose best s is
    log p(w | h), already normalised."""

    def count(self, counts: Tensor) -> None:
        """As of `Sampled`; scores begin at log q, so that their sum is one from the start."""
        super().count(counts)
        with torch.no_grad():
            self.bias[-len(self.log_noise) :] = self.log_noise

    def objective(self, of_target: Tensor, of_noise: Tensor, targets: Tensor, noise: Tensor) -> Tensor:
        return decisions(of_target - self.expected(targets), of_noise - self.expected(noise))


class NegativeSampling(Sampled):
    """Mikolov et al. (2013): P(target | w) = sigmoid(s(w)), whose best s is log p(w | h) - log(K q(w)). So p is
    q exp(s), normalised."""

    def count(self, counts: Tensor) -> None:
        """As of `Sampled`; scores begin at -log K, where p is q."""
        super().count(counts)
        nn.init.constant_(self.bias, -math.log(self.params.samples))

    def logits(self, hidden: Tensor) -> Tensor:
        """s(w) + log q(w), (..., H) -> (..., V - 2)."""
        return super().logits(hidden) + self.log_noise

    def objective(self, of_target: Tensor, of_noise: Tensor, targets: Tensor, noise: Tensor) -> Tensor:
        return decisions(of_target, of_noise)


def decisions(of_target: Tensor, of_noise: Tensor) -> Tensor:
    """(N,): -log sigmoid of the target's score, and of minus each noise word's."""
    return F.softplus(-of_target) + F.softplus(of_noise).sum(1)
