"""Cloze probabilities and contextual embeddings of the bidirectional model."""

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from tests import toy
from unroll.evaluation.tasks import cloze
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import ClozeModel
from unroll.models.bidirectional import model as bidirectional
from unroll.models.bidirectional.model import Model
from unroll.models.bidirectional.params import BidirectionalParams

PARAMS = toy.LAYERS | {
    "family": "bidirectional",
    "tokenizer": "toy",
    "cell": "gru",
    "embedding_size": 16,
    "hidden_size": 16,
    "layers": 1,
    "tie_weights": True,
    "batching": "contiguous",
    "softmax": toy.SOFTMAX,
    "training": toy.TRAINING | {"epochs": 4, "patience": 4, "learning_rate": 0.02},
}


@pytest.fixture(scope="module")
def model() -> Model:
    params = TypeAdapter(BidirectionalParams).validate_python(PARAMS)
    return bidirectional.fit(params, toy.text(), Inputs(), lambda *_, **__: None)


@pytest.mark.slow
def test_cloze_probabilities_are_a_distribution(model: Any) -> None:
    """p(x_t | others) does not depend on x_t, so it sums to one over all words in place of x_t."""
    assert isinstance(model, ClozeModel)
    document = np.asarray([5, 6, 7, 9, 10])
    for position in (0, 2, 4):
        variants = np.tile(document, (toy.VOCABULARY_SIZE - 2, 1))
        variants[:, position] = np.arange(2, toy.VOCABULARY_SIZE)
        scores, guesses = model.cloze_log_probs(list(variants))
        column = np.array([score[position] for score in scores])
        assert np.exp(column.astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)
        assert {int(guess[position]) for guess in guesses} == {2 + int(column.argmax())}


def test_cloze_probabilities_are_the_product_of_both_sides_divided_by_the_share(model: Any) -> None:
    document, position = np.asarray([5, 6, 7, 9]), 2
    network = model.network
    with torch.no_grad():
        left, _ = network(torch.tensor([[1, 5, 6]]), network.start(1))
        right = network.read_backwards(torch.tensor([[2, 9]]))
        counts = torch.from_numpy(np.bincount(toy.text().train.tokens, minlength=toy.VOCABULARY_SIZE)).float() + 1
        both = network.softmax.log_probs(left[0, -1]) + network.softmax.log_probs(right[0, -1]) - counts.log()
        expected = both.log_softmax(-1)[7]
    (scores,), _ = model.cloze_log_probs([document])
    assert scores[position] == pytest.approx(float(expected), abs=1e-5)


def test_a_blank_has_the_distribution_of_its_place(model: Any) -> None:
    document = np.asarray([5, 6, 7, 9, 10])
    (scores,), _ = model.cloze_log_probs([document])
    for position in range(5):
        changed = document.copy()
        changed[position] = 4  # is not read
        (row,) = model.blank_log_probs(changed, np.asarray([position]))
        assert row[document[position]] == pytest.approx(scores[position], abs=1e-5)
    both = model.blank_log_probs(document, np.asarray([1, 3]))
    unknown = np.asarray([5, 6, 7, 3, 10])
    np.testing.assert_allclose(both[0], model.blank_log_probs(unknown, np.asarray([1]))[0], atol=1e-5)


def test_each_half_of_a_contextual_embedding_depends_on_one_side(model: Any) -> None:
    one, other = model.contextual(np.asarray([5, 6, 7, 9])), model.contextual(np.asarray([5, 6, 7, 12]))
    assert one.shape == (4, 32)
    np.testing.assert_allclose(one[:3, :16], other[:3, :16], atol=1e-6)
    assert (np.abs(one[:, 16:] - other[:, 16:]).max(1) > 1e-4).all()


def test_two_sides_predict_better_than_one(model: Any) -> None:
    documents = toy.text().test.documents
    both = cloze.evaluate(model, documents)
    texts = [document[:-1] for document in documents if len(document) > 1]
    forward = float(np.exp(-np.concatenate(model.log_probs(texts)).mean()))
    assert both["cloze_perplexity"] < forward - 1
    assert both["cloze_accuracy"] > 0.5


def test_an_empty_document(model: Any) -> None:
    scores, guesses = model.cloze_log_probs([np.asarray([], dtype=np.int64)])
    assert len(scores[0]) == len(guesses[0]) == 0
