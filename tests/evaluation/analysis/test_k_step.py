"""Predictions k steps ahead: exact methods against the sum over all continuations, and sampling against exact."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from tests import toy
from tests.models.ngrams import documents, fitted, state_after
from unroll import models
from unroll.errors import UnrollError
from unroll.evaluation.analysis.k_step import k_step_log_probs, kl_bias, kl_divergence, predict
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
    probabilities = np.exp(k_step_log_probs(model, state, 1, 3, samples=1, seed=1).log_probs)
    assert probabilities.shape == (3, 1, model.vocabulary_size)
    for step in range(3):
        np.testing.assert_allclose(probabilities[step, 0], summed(model, state, step + 1), atol=1e-12)


@pytest.mark.parametrize(("kind", "order", "prune"), NGRAMS)
@pytest.mark.parametrize("read", [[], [5], [5, 6, 7], [11, 11]])
def test_n_grams_sum_over_all_continuations(kind: str, order: int, prune: list[int], read: list[int]) -> None:
    """Over ten words; 11 is not in the training text, and pruning leaves contexts without their n-grams."""
    model = fitted(kind, order, prune)
    assert isinstance(model, KStepModel)
    probabilities = np.exp(k_step_log_probs(model, state_after(model, read), 1, 3, samples=1, seed=1).log_probs)
    for step in range(3):
        np.testing.assert_allclose(
            probabilities[step, 0], summed(model, state_after(model, read), step + 1), atol=1e-12
        )


def test_samples_of_an_n_gram_model_agree_with_its_exact_method() -> None:
    model = fitted("modified_kneser_ney", 4)
    state = model.advance(model.start(3), np.array([5, 6, 11]))
    exact = np.exp(k_step_log_probs(model, state, 3, 8, samples=1, seed=1).log_probs)
    assert exact.shape == (8, 3, model.vocabulary_size)
    np.testing.assert_allclose(exact.sum(2), 1, rtol=1e-5)
    assert (np.diff(exact[..., EOS], axis=0) >= 0).all()
    np.testing.assert_allclose(
        np.exp(k_step_log_probs(Sampled(model), state, 3, 8, samples=5000, seed=1).log_probs), exact, atol=0.025
    )
    alone = k_step_log_probs(model, model.select(state, np.array([1])), 1, 8, samples=1, seed=1).log_probs
    np.testing.assert_allclose(np.exp(alone[:, 0]), exact[:, 1], rtol=1e-12)


def test_an_n_gram_without_its_suffix_is_an_error() -> None:
    model = fitted("kneser_ney", 3)
    unigrams, bigrams, trigrams = model.orders
    strange = [unigrams, replace(bigrams, keys=bigrams.keys + 1), trigrams]
    with pytest.raises(UnrollError, match="whose last 2 tokens"):
        k_step_log_probs(Ngram({}, model.vocabulary_size, strange), model.start(1), 1, 2, 1, 1)


def test_samples_of_an_hmm_agree_with_its_exact_method() -> None:
    model = chain("hmm")
    exact = np.exp(k_step_log_probs(model, model.start(2), 2, 6, samples=1, seed=1).log_probs)
    sampled = np.exp(k_step_log_probs(Sampled(model), model.start(2), 2, 6, samples=20_000, seed=1).log_probs)
    np.testing.assert_allclose(sampled[0], exact[0], atol=1e-12)
    np.testing.assert_allclose(sampled, exact, atol=0.01)


class Rare:
    """Tokens 2, 3 and 4, of which the last has log p = scale, or scale + log 3 after token 3."""

    vocabulary_size = 5

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def next_log_probs(self, state: np.ndarray) -> np.ndarray:
        rare = self.scale + np.log(3) * (state == 3)
        half = np.full(len(state), np.log(0.5))
        return np.stack([np.full(len(state), -np.inf), np.full(len(state), -np.inf), half, half, rare], axis=1)

    def advance(self, state: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        return tokens

    def select(self, state: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return state[rows]


def test_the_bias_of_a_tiny_probability_is_that_of_its_relative_variance() -> None:
    """At log p = -400 the squares of p and of its mean are zero."""
    tiny, small = (k_step_log_probs(Rare(scale), np.zeros(1, int), 1, 2, 50, seed=1) for scale in (-400.0, -30.0))
    assert tiny.bias is not None
    assert small.bias is not None
    assert small.bias[1, 0, 4] > 0
    np.testing.assert_allclose(tiny.bias, small.bias, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(tiny.log_probs[1, 0, 4] - small.log_probs[1, 0, 4], -370, rtol=1e-12)


def test_the_oracle_diverges_from_other_models_and_not_from_itself() -> None:
    oracle, other = chain("hmm"), chain("markov")
    texts = [np.asarray([4, 5, 6, 7, EOS]), np.asarray([4, EOS]), np.asarray([7, 7, 4, EOS])]
    params = KStep(contexts=5, length=2, steps=4, samples=8)
    rows, estimate = predict(oracle, texts, params, seed=1)
    log_probs, others = estimate.log_probs, predict(other, texts, params, seed=1)[1].log_probs
    assert log_probs.shape == (4, 2, 8)
    assert [row["steps"] for row in rows] == [1, 2, 3, 4]
    assert kl_divergence(log_probs, log_probs) == pytest.approx(0)
    assert (kl_divergence(log_probs, others) > 0).all()


def peaked() -> Oracle:
    """A hidden Markov model of 6 states with few probable tokens each, so that samples differ much."""
    generator = np.random.default_rng(2)
    transition, emission = generator.dirichlet(np.full(6, 0.5), size=6), generator.dirichlet(np.full(12, 0.2), size=6)
    return Oracle(Hmm(transition[0], transition, emission, 0.1), np.arange(4, 16), 16, {"family": "oracle"})


LONG = [np.append(document, EOS) for document in documents(5, 400) if len(document) >= 3][:20]
SAMPLED: dict[str, tuple[Any, Sequence[Any]]] = {
    "ngram": (fitted("modified_kneser_ney", 4), LONG),
    "hmm": (peaked(), [np.append(4 + np.arange(first, first + 7) % 12, EOS) for first in range(12)]),
}


def settings(samples: int) -> KStep:
    """All documents are drawn, so the seed determines the samples only."""
    return KStep(contexts=20, length=2, steps=5, samples=samples)


def column(rows: Sequence[dict[str, float]], name: str) -> np.ndarray:
    return np.asarray([row[name] for row in rows])


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("samples", [8, 16, 64])
def test_identical_models_have_equal_losses_within_the_shown_bias_and_error(name: str, samples: int) -> None:
    """One by its exact method, the other by samples."""
    model, texts = SAMPLED[name]
    exact, estimate = exact_rows(name), predict(Sampled(model), texts, settings(samples), seed=3)[0]
    assert (column(exact, "bias") == 0).all()
    assert (column(exact, "error") == 0).all()
    difference = column(estimate, "nats") - column(exact, "nats")
    bias, error = column(estimate, "bias"), column(estimate, "error")
    assert difference[0] == pytest.approx(0, abs=1e-9)
    assert bias[0] == pytest.approx(0, abs=1e-9)
    assert (bias[1:] > 0).all()
    assert (np.abs(difference - bias) <= 3 * error + bias / 2 + 1e-9).all()


@pytest.mark.parametrize("name", SAMPLED)
def test_the_bias_is_that_of_many_repetitions_and_falls_with_the_number_of_samples(name: str) -> None:
    model, texts = SAMPLED[name]
    exact = column(exact_rows(name), "nats")
    means = []
    for samples in (8, 16):
        runs = [predict(Sampled(model), texts, settings(samples), seed)[0][1:] for seed in range(300)]
        nats, shown, errors = (np.array([column(rows, name) for rows in runs]) for name in ("nats", "bias", "error"))
        found, deviation = nats.mean(0) - exact[1:], nats.std(0)
        assert (np.abs(shown.mean(0) - found) < 0.15 * found + 3 * deviation / np.sqrt(len(runs))).all()
        np.testing.assert_allclose(errors.mean(0), deviation, rtol=0.2)
        means.append((shown.mean(), found.mean()))
    np.testing.assert_allclose(means[1], np.array(means[0]) / 2, rtol=0.2)


def exact_rows(name: str) -> Sequence[dict[str, float]]:
    model, texts = SAMPLED[name]
    return predict(model, texts, settings(2), seed=3)[0]


@pytest.mark.parametrize("stop", [0.9, 1.0])
def test_no_token_becomes_impossible_because_all_samples_end(stop: float) -> None:
    """Two samples of a document that ends almost surely, or surely, after each token."""
    rows = np.full((4, 4), 0.25)
    with np.errstate(divide="ignore"):
        model = Oracle(Hmm(rows[0], rows, rows, stop), np.arange(4, 8), 8, {"family": "oracle"})
        exact = k_step_log_probs(model, model.start(1), 1, 6, samples=2, seed=1).log_probs
        sampled = k_step_log_probs(Sampled(model), model.start(1), 1, 6, samples=2, seed=1).log_probs
    np.testing.assert_array_equal(np.isfinite(sampled), np.isfinite(exact))
    np.testing.assert_allclose(np.exp(sampled), np.exp(exact), atol=1e-12)  # all states are alike here


def test_the_bias_of_a_divergence_is_that_of_many_repetitions() -> None:
    """Of a model whose predictions are sampled, from an oracle whose predictions are exact or sampled, too."""
    oracle, model = chain("hmm"), chain("markov")
    state = [one.start(2) for one in (oracle, model)]
    true = k_step_log_probs(oracle, state[0], 2, 4, samples=2, seed=1).log_probs
    exact = kl_divergence(true, k_step_log_probs(model, state[1], 2, 4, samples=2, seed=1).log_probs)
    found, shown = np.zeros((2, 2, 4))
    for seed in range(400):
        ours = k_step_log_probs(Sampled(model), state[1], 2, 4, samples=16, seed=seed)
        theirs = k_step_log_probs(Sampled(oracle), state[0], 2, 4, samples=16, seed=1000 + seed)
        assert ours.bias is not None
        assert theirs.bias is not None
        found += [kl_divergence(one, ours.log_probs) - exact for one in (true, theirs.log_probs)]
        shown[0] += kl_bias(true, [ours.bias])
        shown[1] += kl_bias(theirs.log_probs, [ours.bias, theirs.bias])
    np.testing.assert_allclose(shown[:, 1:], found[:, 1:], rtol=0.25)
