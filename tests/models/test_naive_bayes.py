"""Naive Bayes against scikit-learn, and generative classifiers against naive Bayes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from tests import toy
from tests.training.resume import RECURRENT
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.curve import Curve
from unroll.models.base.inputs import Inputs
from unroll.models.base.label_protocol import Classifier
from unroll.models.generative_classifier import model as generative_classifier
from unroll.models.generative_classifier.model import _select_class
from unroll.models.generative_classifier.params import GenerativeClassifierParams
from unroll.models.naive_bayes import model as naive_bayes
from unroll.models.naive_bayes.params import NaiveBayesParams
from unroll.models.ngram import model as ngram
from unroll.models.ngram.params import NgramParams
from unroll.report import curves
from unroll.text.streams import Data, Ids, stream_of
from unroll.text.tokenizers.vocabulary import EOS

UNIGRAM = {
    "family": "ngram",
    "tokenizer": "toy",
    "order": 1,
    "smoothing": {"kind": "add_k", "k": 0.5},
    "prune": [0],
}


def params(**changes: Any) -> NaiveBayesParams:
    return NaiveBayesParams(
        family="naive_bayes", tokenizer="toy", **{"order": 2, "pseudo_count": 0.5, "priors": "empirical"} | changes
    )


def labelled(documents: dict[str, list[Ids]], labels: dict[str, list[str]]) -> Data:
    streams = {split: {"text": stream_of(texts, toy.VOCABULARY_SIZE)} for split, texts in documents.items()}
    return Data("toy", toy.VOCABULARY_SIZE, 7, 1, streams, labels=labels)


@pytest.fixture(scope="module")
def data() -> Data:
    """Texts forwards, backwards and shuffled. The first two classes differ only in their bigrams."""
    generator = np.random.default_rng(7)
    change = {"forward": lambda d: d, "backward": lambda d: d[::-1], "shuffled": generator.permutation}
    documents, labels = {}, {}
    for seed, split in enumerate(("train", "valid", "test")):
        texts = toy.documents(150 if split == "train" else 60, seed)
        labels[split] = [["forward", "backward", "shuffled", "forward"][i % 4] for i in range(len(texts))]
        documents[split] = [change[label](text) for text, label in zip(texts, labels[split], strict=True)]
    return labelled(documents, labels)


def words(document: Ids) -> str:
    return " ".join(str(token) for token in document if token != EOS)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("priors", ["empirical", "uniform"])
def test_posteriors_equal_scikit_learn(data: Data, order: int, priors: str) -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    peer = pytest.importorskip("sklearn.naive_bayes").MultinomialNB(alpha=0.5, fit_prior=priors == "empirical")
    vectorizer = text.CountVectorizer(ngram_range=(1, order), token_pattern=r"\S+")
    peer.fit(vectorizer.fit_transform(map(words, data.train.documents)), data.labels["train"])
    documents = [*data.test.documents, np.asarray([EOS]), np.empty(0, np.int64)]
    expected = peer.predict_log_proba(vectorizer.transform(map(words, documents)))
    model = naive_bayes.fit(params(order=order, priors=priors), data, Inputs(), lambda *_, **__: None)
    assert model.classes == peer.classes_.tolist()
    np.testing.assert_allclose(model.log_posteriors(documents), expected, rtol=1e-9, atol=1e-9)


def test_a_worked_example() -> None:
    """Manning, Raghavan and Schütze (2008), example 13.1: p(c | d5) ∝ 3/4 (3/7)^3 1/14 1/14 ≈ 0.0003, not c 0.0001."""
    chinese, beijing, shanghai, macao, tokyo, japan = range(4, 10)
    train = [[chinese, beijing, chinese], [chinese, chinese, shanghai], [chinese, macao], [tokyo, japan, chinese]]
    example = labelled({"train": [np.asarray(d) for d in train]}, {"train": ["c", "c", "c", "not c"]})
    model = naive_bayes.fit(params(order=1, pseudo_count=1.0), example, Inputs(), lambda *_, **__: None)
    posterior = np.exp(model.log_posteriors([np.asarray([chinese, chinese, chinese, tokyo, japan, EOS])]))
    yes, no = 3 / 4 * (3 / 7) ** 3 / 14 / 14, 1 / 4 * (2 / 9) ** 5
    np.testing.assert_allclose(posterior, [[yes / (yes + no), no / (yes + no)]], rtol=1e-12)


def test_unseen_features_are_ignored(data: Data) -> None:
    rare = 4 + toy.WORDS
    wider = replace(data, vocabulary_size=rare + 1)
    model = naive_bayes.fit(params(order=1), wider, Inputs(), lambda *_, **__: None)
    with_rare, without = model.log_posteriors([np.asarray([4, rare, 5]), np.asarray([4, 5])])
    np.testing.assert_array_equal(with_rare, without)


def test_pairs_do_not_cross_documents() -> None:
    keys, owners = naive_bayes.extract_features([np.asarray([4, 5, EOS]), np.asarray([6, 7, 8, EOS])], 10, 2)
    assert sorted(zip(owners.tolist(), keys.tolist(), strict=True)) == [
        *[(0, 4), (0, 5), (0, 55)],
        *[(1, 6), (1, 7), (1, 8), (1, 77), (1, 88)],
    ]


def test_bigrams_distinguish_orders_that_unigrams_cannot(data: Data) -> None:
    def accuracy(order: int) -> float:
        model = naive_bayes.fit(params(order=order), data, Inputs(), lambda *_, **__: None)
        predicted = model.log_posteriors(data.test.documents).argmax(1)
        return float(
            np.mean([model.classes[c] == label for c, label in zip(predicted, data.labels["test"], strict=True)])
        )

    assert accuracy(2) > 0.7 > 0.6 > accuracy(1)


def test_save_and_load_are_exact(data: Data, tmp_path: Path) -> None:
    model = naive_bayes.fit(params(), data, Inputs(), lambda *_, **__: None)
    model.save(tmp_path)
    loaded = models.load(tmp_path)
    assert isinstance(loaded, Classifier)
    assert loaded.classes == model.classes
    np.testing.assert_array_equal(loaded.log_posteriors(data.test.documents), model.log_posteriors(data.test.documents))


def classifier_params(**changes: Any) -> GenerativeClassifierParams:
    return GenerativeClassifierParams.model_validate(
        {"family": "generative_classifier", "tokenizer": "toy", "priors": "empirical", "member": UNIGRAM} | changes
    )


def test_unigram_members_are_naive_bayes_with_eos(data: Data) -> None:
    model = generative_classifier.fit(classifier_params(), data, Inputs(), lambda *_, **__: None)
    labels = np.asarray(data.labels["train"])
    document = data.test.documents[0]
    expected = []
    for label in model.classes:
        texts = [d for d, own in zip(data.train.documents, labels, strict=True) if own == label]
        counts = np.bincount(np.concatenate(texts), minlength=toy.VOCABULARY_SIZE) + 0.5
        probs = counts / counts[2:].sum()
        expected.append(np.log(np.mean(labels == label)) + np.log(probs[document]).sum())
    joint = np.asarray(expected)
    np.testing.assert_allclose(model.log_posteriors([document])[0], joint - np.logaddexp.reduce(joint), rtol=1e-6)


def test_trigram_members_distinguish_orders_and_are_saved(data: Data, tmp_path: Path) -> None:
    trigram = UNIGRAM | {"order": 3, "smoothing": {"kind": "jelinek_mercer", "iterations": 5}}
    model = generative_classifier.fit(classifier_params(member=trigram), data, Inputs(), lambda *_, **__: None)
    posteriors = model.log_posteriors(data.test.documents)
    np.testing.assert_allclose(np.exp(posteriors).sum(1), 1)
    right = [model.classes[c] == own for c, own in zip(posteriors.argmax(1), data.labels["test"], strict=True)]
    assert np.mean(right) > 0.7
    model.save(tmp_path)
    np.testing.assert_array_equal(models.load(tmp_path).log_posteriors(data.test.documents), posteriors)


def test_the_measurements_of_each_class_have_their_own_columns(data: Data, tmp_path: Path) -> None:
    member = UNIGRAM | {"order": 3, "smoothing": {"kind": "jelinek_mercer", "iterations": 5}}
    curve, classes = Curve(), sorted(set(data.labels["train"]))
    generative_classifier.fit(classifier_params(member=member), data, Inputs(), curve)
    curve.write(tmp_path / "curve.csv")
    rows = curves.read(tmp_path / "curve.csv")
    assert [row["step"] for row in rows] == [*range(6)]
    for index, label in enumerate(classes):
        alone = Curve()
        ngram.fit(TypeAdapter(NgramParams).validate_python(member), _select_class(data, label), Inputs(), alone)
        assert [row[f"class_{index}_valid_loss"] for row in rows] == [r["valid_loss"] for r in alone.rows.values()]
    assert len({row["class_0_valid_loss"] for row in rows}) > 1


NETWORK = RECURRENT | {"training": toy.TRAINING | {"epochs": 1}}


@pytest.mark.parametrize("split", ["train", "valid"])
def test_a_class_is_never_validated_on_texts_of_other_classes(data: Data, split: str) -> None:
    """A class without valid documents, or with too few documents, is refused by members that need them."""
    label = sorted(set(data.labels["train"]))[1]
    documents = data.streams[split]["text"].documents
    others = [d[:-1] for d, own in zip(documents, data.labels[split], strict=True) if own != label]
    short = [*others, np.asarray([5])]
    labels = [*(own for own in data.labels[split] if own != label), label]
    for texts, owners in ((short, labels), (short[:-1], labels[:-1]))[: 1 if split == "train" else 2]:
        changed = replace(
            data,
            streams=data.streams | {split: {"text": stream_of(texts, toy.VOCABULARY_SIZE)}},
            labels=data.labels | {split: owners},
        )
        with pytest.raises(UnrollError, match=f"^class {label}: the {split} split of tokenizers.toy has .* too few"):
            generative_classifier.fit(classifier_params(member=NETWORK), changed, Inputs(), lambda *_, **__: None)


@pytest.mark.slow
def test_members_that_are_not_validated_need_no_valid_documents(data: Data) -> None:
    label = sorted(set(data.labels["train"]))[0]
    kept = [own != label for own in data.labels["valid"]]
    texts = [d[:-1] for d, keep in zip(data.valid.documents, kept, strict=True) if keep]
    labels = [own for own in data.labels["valid"] if own != label]
    changed = replace(
        data,
        streams=data.streams | {"valid": {"text": stream_of(texts, toy.VOCABULARY_SIZE)}},
        labels=data.labels | {"valid": labels},
    )
    hmm = {"family": "hmm", "tokenizer": "toy", "states": 2, "pseudo_count": 0.1, "restarts": 2, "restart_tokens": 50}
    hmm |= {"restart_iterations": 2, "iterations": 2, "tolerance": 0.0}
    for member in (UNIGRAM, hmm):
        logged: list[str] = []
        model = generative_classifier.fit(
            classifier_params(member=member), changed, Inputs(), lambda step, log=logged, **values: log.extend(values)
        )
        whole = generative_classifier.fit(classifier_params(member=member), data, Inputs(), lambda *_, **__: None)
        documents = data.test.documents
        np.testing.assert_array_equal(model.log_posteriors(documents), whole.log_posteriors(documents))
        assert "class_0_valid_loss" not in logged
        assert "class_1_valid_loss" in logged
    jelinek = UNIGRAM | {"smoothing": {"kind": "jelinek_mercer", "iterations": 5}}
    with pytest.raises(UnrollError, match=f"^class {label}: smoothing.kind jelinek_mercer fits its weights"):
        generative_classifier.fit(classifier_params(member=jelinek), changed, Inputs(), lambda *_, **__: None)


def test_impossible_in_every_class_leaves_the_prior(data: Data) -> None:
    member = UNIGRAM | {"smoothing": {"kind": "maximum_likelihood"}}
    wider = replace(data, vocabulary_size=toy.VOCABULARY_SIZE + 1)
    model = generative_classifier.fit(classifier_params(member=member), wider, Inputs(), lambda *_, **__: None)
    impossible = model.log_posteriors([np.asarray([4, toy.VOCABULARY_SIZE])])[0]
    np.testing.assert_allclose(impossible, model.log_priors, rtol=1e-12)


def test_no_documents_and_empty_ones(data: Data) -> None:
    for model in (
        naive_bayes.fit(params(), data, Inputs(), print),
        generative_classifier.fit(classifier_params(), data, Inputs(), lambda *_, **__: None),
    ):
        assert model.log_posteriors([]).shape == (0, 3)
        np.testing.assert_allclose(model.log_posteriors([np.empty(0, np.int64)])[0], model.log_priors, rtol=1e-12)


def test_members_need_the_same_tokenizer() -> None:
    with pytest.raises(ValidationError, match="make them equal"):
        classifier_params(member=UNIGRAM | {"tokenizer": "other"})


def test_a_corpus_without_labels_is_refused() -> None:
    for fit in (
        lambda: naive_bayes.fit(params(), toy.text(), Inputs(), print),
        lambda: generative_classifier.fit(classifier_params(), toy.text(), Inputs(), print),
    ):
        with pytest.raises(UnrollError, match="labelled corpus"):
            fit()
