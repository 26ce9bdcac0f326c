"""The conditional random field: enumeration of all sequences of tags, gradients, and pytorch-crf."""

from itertools import pairwise, product

import pytest
import torch
from torch import Tensor

from unroll.layers.crf import LinearChainCrf

TAGS = 3


def random_crf(seed: int) -> LinearChainCrf:
    torch.manual_seed(seed)
    crf = LinearChainCrf(TAGS)
    for weight in crf.parameters():
        torch.nn.init.normal_(weight)
    return crf


def score(crf: LinearChainCrf, scores: Tensor, tags: tuple[int, ...]) -> Tensor:
    """s(x, y) of one sentence, term by term."""
    total = crf.first[tags[0]] + crf.last[tags[-1]]
    total = total + sum(scores[t, tag] for t, tag in enumerate(tags))
    return total + sum((crf.transition[a, b] for a, b in pairwise(tags)), torch.zeros(()))


@pytest.mark.parametrize("length", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_everything_equals_the_enumeration_of_all_sequences(length: int, seed: int) -> None:
    crf = random_crf(seed)
    scores = torch.randn(2, length, TAGS)
    every = list(product(range(TAGS), repeat=length))
    for row in range(2):
        sums = torch.stack([score(crf, scores[row], tags) for tags in every])
        torch.testing.assert_close(crf.log_partition(scores)[row], sums.logsumexp(0))
        best = every[int(sums.argmax())]
        assert tuple(crf.viterbi(scores)[row].tolist()) == best
        tags = torch.tensor([best, best])
        torch.testing.assert_close(crf.log_likelihood(scores, tags)[row], sums.log_softmax(0).max())
        marginals = torch.zeros(length, TAGS)
        for tags_of_one, p in zip(every, sums.softmax(0), strict=True):
            marginals[range(length), tags_of_one] += p.detach()
        torch.testing.assert_close(crf.log_marginals(scores)[row].exp(), marginals)


def test_the_gradient_of_log_z_is_the_marginals() -> None:
    """An identity of exponential families."""
    crf, scores = random_crf(7), torch.randn(3, 6, TAGS, requires_grad=True)
    (gradient,) = torch.autograd.grad(crf.log_partition(scores).sum(), scores)
    torch.testing.assert_close(gradient, crf.log_marginals(scores).exp())


def test_without_transitions_the_words_are_independent() -> None:
    crf, scores = LinearChainCrf(TAGS), torch.randn(2, 5, TAGS)
    torch.testing.assert_close(crf.log_marginals(scores), scores.log_softmax(-1))
    torch.testing.assert_close(crf.viterbi(scores), scores.argmax(-1))


def test_pytorch_crf_agrees() -> None:
    torchcrf = pytest.importorskip("torchcrf", reason="pytorch-crf is not installed")
    crf, reference = random_crf(1), torchcrf.CRF(TAGS, batch_first=True)
    with torch.no_grad():
        reference.transitions.copy_(crf.transition)
        reference.start_transitions.copy_(crf.first)
        reference.end_transitions.copy_(crf.last)
    scores, tags = torch.randn(4, 9, TAGS), torch.randint(TAGS, (4, 9))
    mask = torch.ones(4, 9, dtype=torch.bool)  # its own default has a type that torch warns of
    torch.testing.assert_close(crf.log_likelihood(scores, tags), reference(scores, tags, mask, reduction="none"))
    assert crf.viterbi(scores).tolist() == reference.decode(scores, mask)
