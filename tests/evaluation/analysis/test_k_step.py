"""Predictions k steps ahead: exact methods against the sum over all continuations, and sampling against exact."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from tests import toy
from tests.models.ngrams import fitted, state_after
from unroll import models
from unroll.errors import UnrollError
from unroll.evaluation.analysis.k_step import k_step_log_probs, kl_divergence, predict
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import KStepModel
from unroll.models.hmm.params import HmmParams
from unroll.models.ngram.model import Model as Ngram
from unroll.models.oracle.chains import Hmm, Markov
from unroll.models.oracle.model import Model as Oracle
from unroll.params.evaluate import KStep
from unroll.text.tokenizers.vocabulary import EOS

NGRAMS = [
    ("add_k", 1, [0]),
    ("jelinek_mercer", 2, [0]),
    ("modified_kneser_ney", 4, [0, 0, 1]),
    ("maximum_likelihood", 3, [0]),
]


def hmm() -> Any:
    numbers = {"states": 3, "pseudo_count": 0.01, "restarts": 1, "restart_tokens": 500, "restart_iterations": 2}
    params = {"family": "hmm", "tokenizer": "toy", "iterations": 3, "tolerance": 0.0, **numbers}
    return models.family("hmm").fit(HmmParams.model_validate(params), toy.text(), Inputs(), lambda *_, **__: None)


def chain(kind: str) -> Oracle:
    generator = np.random.default_rng(1)
    rows = generator.dirichlet(np.ones(4), size=5)
    process: Any = Markov(rows, 1, 0.1) if kind == "markov" else Hmm(rows[0], rows[:4], rows[1:], 0.1)
    return Oracle(process, np.arange(4, 8), 8, {"family": "oracle"})


class Sampled:
    """The same model without its exact method."""

    def __init__(self, model: Any) -> None:
        self.vocabulary_size = model.vocabulary_size
        self.next_log_probs, self.advance, self.select = model.next_log_probs, model.advance, model.select
        self.start = model.start


def summed(model: Any, state: Any, steps: int) -> np.ndarray:
    """p(x_{t+k}) by the sum over all continuations of k - 1 tokens, (V,); after <eos> only <eos> is possible."""
    total = np.zeros(model.vocabulary_size)
    tokens = range(EOS, model.vocabulary_size)
    for between in product(tokens, repeat=steps - 1):
        here, log_prob, ended = state, 0.0, False
        for token in between:
            if ended:
                log_prob += 0.0 if token == EOS else -np.inf
                continue
            log_prob += model.next_log_probs(here)[0, token]
            here, ended = model.advance(here, np.asarray([token])), token == EOS
        if log_prob > -np.inf:
            total += np.exp(log_prob) * (
                np.arange(len(total)) == EOS if ended else np.exp(model.next_log_probs(here)[0])
            )
    return total


@pytest.mark.parametrize("kind", ["markov", "hmm", "fitted"])
@pytest.mark.parametrize("read", [[], [5, 6]])
def test_the_exact_method_is_the_sum_over_all_continuations(kind: str, read: list[int]) -> None:
    model = hmm() if kind == "fitted" else chain(kind)
    state = model.start(1)
    for token in read:
        state = model.advance(state, np.asarray([token]))
    assert isinstance(model, KStepModel)
    probabilities = np.exp(k_step_log_probs(model, state, 1, 3, samples=1, seed=1))
    assert probabilities.shape == (3, 1, model.vocabulary_size)
    for step in range(3):
        np.testing.assert_allclose(probabilities[step, 0], summed(model, state, step + 1), atol=1e-12)


@pytest.mark.parametrize(("kind", "order", "prune"), NGRAMS)
@pytest.mark.parametrize("read", [[], [5], [5, 6, 7], [11, 11]])
def test_n_grams_sum_over_all_continuations(kind: str, order: int, prune: list[int], read: list[int]) -> None:
    """Over ten words; 11 is not in the training text, and pruning leaves contexts without their n-grams."""
    model = fitted(kind, order, prune)
    assert isinstance(model, KStepModel)
    probabilities = np.exp(k_step_log_probs(model, state_after(model, read), 1, 3, samples=1, seed=1))
    for step in range(3):
        np.testing.assert_allclose(
            probabilities[step, 0], summed(model, state_after(model, read), step + 1), atol=1e-12
        )


def test_samples_of_an_n_gram_model_agree_with_its_exact_method() -> None:
    model = fitted("modified_kneser_ney", 4)
    state = model.advance(model.start(3), np.array([5, 6, 11]))
    exact = np.exp(k_step_log_probs(model, state, 3, 8, samples=1, seed=1))
    assert exact.shape == (8, 3, model.vocabulary_size)
    np.testing.assert_allclose(exact.sum(2), 1, rtol=1e-5)
    assert (np.diff(exact[..., EOS], axis=0) >= 0).all()
    np.testing.assert_allclose(
        np.exp(k_step_log_probs(Sampled(model), state, 3, 8, samples=5000, seed=1)), exact, atol=0.025
    )
    alone = k_step_log_probs(model, model.select(state, np.array([1])), 1, 8, samples=1, seed=1)
    np.testing.assert_allclose(np.exp(alone[:, 0]), exact[:, 1], rtol=1e-12)


def test_an_n_gram_without_its_suffix_is_an_error() -> None:
    model = fitted("kneser_ney", 3)
    unigrams, bigrams, trigrams = model.orders
    strange = [unigrams, replace(bigrams, keys=bigrams.keys + 1), trigrams]
    with pytest.raises(UnrollError, match="whose last 2 tokens"):
        k_step_log_probs(Ngram({}, model.vocabulary_size, strange), model.start(1), 1, 2, 1, 1)


def test_samples_of_an_hmm_agree_with_its_exact_method() -> None:
    model = chain("hmm")
    exact = np.exp(k_step_log_probs(model, model.start(2), 2, 6, samples=1, seed=1))
    sampled = np.exp(k_step_log_probs(Sampled(model), model.start(2), 2, 6, samples=20_000, seed=1))
    np.testing.assert_allclose(sampled[0], exact[0], atol=1e-12)
    np.testing.assert_allclose(sampled, exact, atol=0.01)


def test_the_oracle_diverges_from_other_models_and_not_from_itself() -> None:
    oracle, other = chain("hmm"), chain("markov")
    documents = [np.asarray([4, 5, 6, 7, EOS]), np.asarray([4, EOS]), np.asarray([7, 7, 4, EOS])]
    params = KStep(contexts=5, length=2, steps=4, samples=8)
    rows, log_probs = predict(oracle, documents, params, seed=1)
    _, others = predict(other, documents, params, seed=1)
    assert log_probs.shape == (4, 2, 8)
    assert [row["steps"] for row in rows] == [1, 2, 3, 4]
    assert kl_divergence(log_probs, log_probs) == pytest.approx(0)
    assert (kl_divergence(log_probs, others) > 0).all()
