"""The entropy of predictions: known distributions, every family, and a model that is right or too certain."""

import math
from typing import Any

import numpy as np
import pytest

from tests.evaluation.subjects import subject
from tests.models.test_contract import train
from unroll.evaluation.analysis import calibration
from unroll.evaluation.analysis.calibration import calibrate, entropy, measure, predict
from unroll.models.base.protocol import log_probs_by_stepping


def test_the_entropy_of_known_distributions() -> None:
    with np.errstate(divide="ignore"):
        log_probs = np.log([[0.25] * 4, [1.0, 0.0, 0.0, 0.0], [0.5, 0.25, 0.25, 0.0]])
    np.testing.assert_allclose(entropy(log_probs) / math.log(2), [2.0, 0.0, 1.5])


@pytest.mark.parametrize("case", ["trigram-interpolated", "window", "gru-dot"])
@pytest.mark.parametrize("elements", [1, 1 << 22])
def test_predictions_are_those_of_the_model(case: str, elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One at a time by `advance`, for documents of different lengths, one of which is empty."""
    monkeypatch.setattr(calibration, "ELEMENTS", elements)
    model = train(case)
    documents = [np.asarray(tokens) for tokens in ([4, 5, 2], [], [6, 7, 8, 9, 2], [2])]
    entropies, losses = predict(model, documents)
    expected = np.concatenate(log_probs_by_stepping(model, documents))
    np.testing.assert_allclose(np.sort(losses), np.sort(-expected), rtol=1e-4)
    first = np.asarray(model.next_log_probs(model.start(1)), np.float64)[0, 2:]
    assert np.isclose(entropies, -(np.exp(first) * first).sum(), rtol=1e-4).sum() == 3  # of the first tokens
    assert (entropies <= math.log(model.vocabulary_size - 2) + 1e-6).all()


def sample(certainty: float) -> dict[str, Any]:
    """The calibration of p^certainty for tokens that are drawn from p."""
    generator = np.random.default_rng(1)
    p = generator.dirichlet(np.full(20, 0.3), size=20_000)
    tokens = (p.cumsum(1) < generator.random((len(p), 1))).sum(1)
    log_probs = certainty * np.log(p + 1e-12)
    log_probs -= np.logaddexp.reduce(log_probs, axis=1)[:, None]
    return calibrate(entropy(log_probs), -log_probs[np.arange(len(p)), tokens])


def test_the_true_distribution_is_calibrated_and_a_sharper_one_is_too_certain() -> None:
    true, sharp, flat = sample(1.0), sample(2.0), sample(0.5)
    assert true["predictions"] == 20_000
    assert len(true["groups"]) == 10
    for row in (true, *true["groups"]):
        assert abs(row["nats"] - row["entropy"]) < 4.5 * row["error"]
    assert sharp["nats"] - sharp["entropy"] > 20 * sharp["error"]
    assert flat["entropy"] - flat["nats"] > 20 * flat["error"]
    means = [row["entropy"] for row in true["groups"]]
    assert means == sorted(means)


def test_impossible_tokens_and_no_predictions() -> None:
    row = calibrate(np.array([1.0, 2.0]), np.array([1.0, np.inf]))
    assert (row["nats"], row["error"], len(row["groups"])) == (np.inf, 0.0, 2)
    assert calibrate(np.empty(0), np.empty(0)) == {}


def test_conditional_models_and_classifiers_have_none() -> None:
    assert measure(subject(train("seq2seq"))) is None
