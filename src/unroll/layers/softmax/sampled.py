"""Sampled softmax (Bengio and Senecal 2008; Jean et al. 2015): trained on a few words, evaluated on all."""

import torch
from torch import Tensor, nn

from unroll.layers.softmax.full import Softmax
from unroll.params.softmax import Sampling
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED


class Sampled(Softmax):
    """log p(w | h) = s(w) - log sum_v exp s(v), with the sum over the target and K words drawn from q instead of all:

        s'(w) = s(w) - log(K q(w))        loss = logsumexp over {target, K words but the target} of s' - s'(target)

    which is right in expectation as K grows."""

    def __init__(self, params: Sampling, hidden_size: int, vocabulary_size: int, tied: Tensor | None = None) -> None:
        super().__init__(hidden_size, vocabulary_size, tied)
        self.params = params
        predicted = vocabulary_size - FIRST_PREDICTED
        # log q (V - 2,). A frozen parameter, so that it is kept with the weights.
        self.log_noise = nn.Parameter(torch.full((predicted,), 1 / predicted).log(), requires_grad=False)

    def count(self, counts: Tensor) -> None:
        """Occurrences (V,) of every token in the train split: noise is drawn by them, and no word never."""
        weights = counts[FIRST_PREDICTED:].clamp(min=1).double() ** self.params.exponent
        self.log_noise.copy_((weights / weights.sum()).log())

    def loss(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """The objective while training, summed over positions; the exact nats otherwise."""
        if not torch.is_grad_enabled():
            return super().loss(hidden, targets)
        with torch.autocast(hidden.device.type, enabled=False):
            hidden, targets = hidden.flatten(0, -2).float(), targets.flatten()
            kept = targets >= FIRST_PREDICTED
            targets = (targets - FIRST_PREDICTED).clamp(min=0)
            noise = torch.multinomial(self.log_noise.exp(), self.params.samples, replacement=True)  # (K,)
            positions = self.objective(self._targets(hidden, targets), self._noise(hidden, noise), targets, noise)
        return torch.where(kept, positions, 0).sum()

    def _targets(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """s(target), (N,)."""
        words = targets + FIRST_PREDICTED
        return (hidden * self.weight[words]).sum(1) + self.bias[words]

    def _noise(self, hidden: Tensor, noise: Tensor) -> Tensor:
        """s of the words drawn, (N, K)."""
        words = noise + FIRST_PREDICTED
        return torch.addmm(self.bias[words], hidden, self.weight[words].T)

    def expected(self, words: Tensor) -> Tensor:
        """log(K q(w)): how often a word is expected among the noise."""
        return self.log_noise[words] + torch.tensor(float(self.params.samples)).log()

    def objective(self, of_target: Tensor, of_noise: Tensor, targets: Tensor, noise: Tensor) -> Tensor:
        """(N,) from s(target) (N,) and s of the noise (N, K); `targets` (N,) and `noise` (K,) are the words."""
        of_target = of_target - self.expected(targets)
        of_noise = of_noise - self.expected(noise)
        of_noise = of_noise.masked_fill(noise == targets[:, None], -torch.inf)
        return torch.logsumexp(torch.cat([of_target[:, None], of_noise], dim=1), dim=1) - of_target
