"""Bags of embeddings against logistic regression of scikit-learn."""

import numpy as np
import pytest

from tests import toy
from tests.models import labelled
from tests.models.labelled import BAG
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import EOS, PAD, UNK

LONG = toy.TRAINING | {"epochs": 150, "patience": 150, "learning_rate": 0.05, "clip": {"kind": "none"}}


def shares(documents: list[Ids]) -> np.ndarray:
    """The share of every token in each document (D, V), without `<eos>`."""
    counts = np.stack([np.bincount(document[:-1], minlength=toy.VOCABULARY_SIZE) for document in documents])
    return counts / counts.sum(1, keepdims=True)


def overlapping(data: Data) -> Data:
    """The data with a fourth of its labels exchanged, so that the best weights are finite, and valid equal to train."""
    generator = np.random.default_rng(4)
    wrong = generator.random(len(data.labels["train"])) < 0.25
    other = {"low": "high", "high": "all", "all": "low"}
    labels = [other[label] if swap else label for label, swap in zip(data.labels["train"], wrong, strict=True)]
    documents = [document[:-1] for document in data.train.documents]
    return labelled.labelled(dict.fromkeys(("train", "valid", "test"), documents), dict.fromkeys(data.labels, labels))


@pytest.mark.slow
def test_the_loss_is_that_of_logistic_regression_on_shares_of_words() -> None:
    """W E is a matrix of any rank up to 8, and so the network is multinomial logistic regression on shares of words."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    data = overlapping(labelled.data())
    model = labelled.train(BAG | {"dropout": 0.0, "training": LONG}, data)
    documents, labels = data.train.documents, data.labels["train"]
    column = {label: number for number, label in enumerate(model.classes)}
    rows = np.arange(len(labels)), [column[label] for label in labels]
    peer = linear_model.LogisticRegression(C=1e6, max_iter=10_000).fit(shares(documents), labels)
    theirs = -peer.predict_log_proba(shares(documents))[rows].mean()
    ours = -model.log_posteriors(documents)[rows].mean()
    assert theirs - 1e-4 < ours < theirs + 0.02
    assert theirs < np.log(3) - 0.1  # there is something to learn


def test_the_posteriors_are_those_of_a_linear_model_of_mean_embeddings() -> None:
    data = labelled.data()
    model = labelled.train(BAG, data)
    means = shares(data.test.documents) @ model.embedding.astype(np.float64)
    output = model.network.output
    logits = means @ output.weight.detach().numpy().T + output.bias.detach().numpy()
    expected = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    np.testing.assert_allclose(model.log_posteriors(data.test.documents), expected, rtol=1e-4, atol=1e-6)


def test_the_order_of_words_and_eos_have_no_effect_and_no_words_leave_the_bias() -> None:
    model = labelled.train(BAG, labelled.data())
    one, other, without = model.log_posteriors(
        [np.asarray(ids) for ids in ([4, 5, UNK, EOS], [UNK, 4, 5, EOS], [4, 5, UNK])]
    )
    np.testing.assert_allclose(one, other, rtol=1e-5)
    np.testing.assert_array_equal(one, without)
    bias = model.network.output.bias.detach().double().log_softmax(-1).numpy()
    for empty in ([EOS], [], [PAD]):
        np.testing.assert_allclose(model.log_posteriors([np.asarray(empty, np.int64)])[0], bias, rtol=1e-6)


def test_parameters_are_those_of_the_formula() -> None:
    assert labelled.train(BAG, labelled.data()).parameters == toy.VOCABULARY_SIZE * 8 + (8 + 1) * 3
