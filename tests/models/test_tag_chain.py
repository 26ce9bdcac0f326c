"""Forward-backward and Viterbi over tags: enumeration of all sequences, and hmmlearn."""

from itertools import product

import numpy as np
import pytest

from unroll.models.base.tag_chain import Array, TagChain
from unroll.text.streams import Ids

TAGS, WORDS = 3, 5


def random_chain(order: int, seed: int) -> tuple[TagChain, Array]:
    """A chain with some transitions that are impossible, and emissions (V, K)."""
    generator = np.random.default_rng(seed)
    transition = generator.dirichlet(np.ones(TAGS + 1), (TAGS + 1) ** (order - 1))
    transition[:, 0] *= generator.random(len(transition)) < 0.7
    shape = (TAGS + 1, (TAGS + 1) ** (order - 2), TAGS + 1)
    return TagChain(transition.reshape(shape)), generator.dirichlet(np.ones(TAGS), WORDS)


def sentence(*words: int) -> Ids:
    return np.asarray([[word, 0] for word in words], dtype=np.int64).reshape(-1, 2)


def joint(chain: TagChain, emission: Array, order: int, words: Ids, tags: tuple[int, ...]) -> float:
    """p(words, tags) as the product of its factors."""
    grams = chain.transition.reshape((TAGS + 1,) * order)
    padded = [TAGS] * (order - 1) + [*tags, TAGS]
    p = np.prod([emission[word, tag] for word, tag in zip(words[:, 0], tags, strict=True)])
    for last in range(order - 1, len(padded)):
        p *= grams[tuple(padded[last - order + 1 : last + 1])]
    return float(p)


SENTENCES = [sentence(0), sentence(1, 2, 3, 4, 0, 1), sentence(4, 4), sentence(2, 0, 1, 3), sentence(3, 3, 3, 3)]


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_both_algorithms_equal_the_enumeration_of_all_sequences(order: int, seed: int) -> None:
    chain, emission = random_chain(order, seed)

    def emit(batch: Ids, position: int) -> Array:
        return emission[batch[:, position, 0]]

    posteriors, best = chain.log_posteriors(SENTENCES, emit), chain.viterbi(SENTENCES, emit)
    for words, log_probs, tags in zip(SENTENCES, posteriors, best, strict=True):
        every = list(product(range(TAGS), repeat=len(words)))
        ps = np.asarray([joint(chain, emission, order, words, own) for own in every])
        expected = np.zeros((len(words), TAGS))
        for own, p in zip(every, ps, strict=True):
            expected[np.arange(len(words)), own] += p / ps.sum()
        np.testing.assert_allclose(np.exp(log_probs), expected, atol=1e-12)
        assert joint(chain, emission, order, words, tuple(tags.tolist())) == pytest.approx(ps.max(), rel=1e-12)


def test_the_size_of_a_batch_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, emission = random_chain(3, 9)
    many = [SENTENCES[number % 5] for number in range(40)]

    def emit(batch: Ids, position: int) -> Array:
        return emission[batch[:, position, 0]]

    whole = chain.log_posteriors(many, emit), chain.viterbi(many, emit)
    monkeypatch.setattr("unroll.models.base.tag_chain.ELEMENTS", 1)
    again = chain.log_posteriors(many, emit), chain.viterbi(many, emit)
    for one, other in zip((*whole[0], *whole[1]), (*again[0], *again[1]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_hmmlearn_agrees() -> None:
    """hmmlearn has no end of a sentence, so all tags end with the same probability here."""
    hmm = pytest.importorskip("hmmlearn.hmm", reason="hmmlearn is not installed")
    generator = np.random.default_rng(5)
    inside, start = generator.dirichlet(np.ones(TAGS), TAGS), generator.dirichlet(np.ones(TAGS))
    by_tag = generator.dirichlet(np.ones(WORDS), TAGS)  # (K, V)
    transition = np.zeros((TAGS + 1, 1, TAGS + 1))
    transition[:-1, 0, :-1], transition[:-1, 0, -1], transition[-1, 0, :-1] = 0.9 * inside, 0.1, start
    chain, reference = TagChain(transition), hmm.CategoricalHMM(n_components=TAGS)
    reference.startprob_, reference.transmat_, reference.emissionprob_ = start, inside, by_tag
    words = generator.integers(WORDS, size=30)

    def emit(batch: Ids, position: int) -> Array:
        return by_tag.T[batch[:, position, 0]]

    (log_probs,), (tags,) = (method([sentence(*words)], emit) for method in (chain.log_posteriors, chain.viterbi))
    np.testing.assert_allclose(np.exp(log_probs), reference.predict_proba(words[:, None]), atol=1e-10)
    # Several sequences may be the best one, so the probabilities are compared.
    factors = [start[tags[0]], *inside[tags[:-1], tags[1:]], *by_tag[tags, words]]
    assert np.log(factors).sum() == pytest.approx(reference.decode(words[:, None], algorithm="viterbi")[0])
