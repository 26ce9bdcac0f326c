"""k-fold cross-validation: folds that follow from the seed and the documents, and scores of every document once."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests import toy
from tests.evaluation import subjects
from tests.models import labelled
from unroll.errors import UnrollError
from unroll.evaluation.tasks import cross_validation
from unroll.evaluation.tasks.cross_validation import assign, divide, measure
from unroll.text.streams import SPLITS, Data

DATA = labelled.data()


def all_documents(data: Data) -> list[tuple[tuple[int, ...], str]]:
    return sorted(
        (tuple(document.tolist()), label)
        for split in SPLITS
        for document, label in zip(data.streams[split]["text"].documents, data.labels[split], strict=True)
    )


@pytest.mark.parametrize("folds", [3, 5, 10])
def test_every_document_is_tested_once_and_validated_once(folds: int) -> None:
    parts = divide(DATA, folds)
    assert len(parts) == folds
    for part in parts:
        assert all_documents(part) == all_documents(DATA)
    for split in ("test", "valid"):
        found = [
            (tuple(document.tolist()), label)
            for part in parts
            for document, label in zip(part.streams[split]["text"].documents, part.labels[split], strict=True)
        ]
        assert sorted(found) == all_documents(DATA)


def test_equal_documents_share_a_fold_and_folds_have_equal_sizes() -> None:
    documents = [np.asarray([4 + number % 7, 5]) for number in range(70)]
    folds = assign(documents, 7, seed=1)
    assert np.bincount(folds).tolist() == [10] * 7
    assert all(len({int(fold) for fold in folds[number::7]}) == 1 for number in range(7))


def test_folds_follow_from_the_seed_and_the_documents_alone() -> None:
    documents = list({text.tobytes(): text for text in toy.documents(60, 1)}.values())
    folds = assign(documents, 5, seed=1)
    order = np.random.default_rng(2).permutation(len(documents))
    np.testing.assert_array_equal(assign([documents[row] for row in order], 5, seed=1), folds[order])
    narrow = [document.astype(np.uint16) for document in documents]
    np.testing.assert_array_equal(assign(narrow, 5, seed=1), folds)
    assert (assign(documents, 5, seed=2) != folds).any()


def test_too_few_documents_are_refused() -> None:
    documents = [np.asarray([4]), np.asarray([5]), np.asarray([4])]
    with pytest.raises(UnrollError, match=r"^evaluate\.folds: 2 different documents cannot be divided into 3 folds"):
        assign(documents, 3, seed=1)


@pytest.mark.parametrize("folds", [-1, 1, 2])
def test_too_few_folds_are_refused(folds: int) -> None:
    with pytest.raises(ValidationError):
        subjects.params(folds=folds)


def test_the_metrics_are_the_mean_and_the_deviation_of_the_folds() -> None:
    model = labelled.train(labelled.NAIVE_BAYES, DATA)
    assert measure(subjects.subject(model, DATA, folds=0)) is None
    found = measure(subjects.subject(model, DATA, folds=4))
    assert found is not None
    rows = found.metrics["by_fold"]
    assert [row["fold"] for row in rows] == [0, 1, 2, 3]
    assert sum(row["documents"] for row in rows) == len(all_documents(DATA))
    for name in cross_validation.MEASURES:
        values = [row[name] for row in rows]
        assert found.metrics[f"fold_{name}"] == pytest.approx(np.mean(values))
        assert found.metrics[f"fold_{name}_deviation"] == pytest.approx(np.std(values, ddof=1))
    assert found.metrics["folds"] == 4
    assert found.metrics["fold_accuracy"] > 0.6


def test_naive_bayes_equals_scikit_learn_on_the_same_folds() -> None:
    """The documents that a fold is predicted from are all but those of this fold and of the next one."""
    peers = pytest.importorskip("sklearn.naive_bayes")
    documents = [document[:-1] for split in SPLITS for document in DATA.streams[split]["text"].documents]
    labels = np.asarray([label for split in SPLITS for label in DATA.labels[split]])
    counts = np.stack([np.bincount(document, minlength=toy.VOCABULARY_SIZE) for document in documents])
    folds = assign(documents, 5, DATA.seed)
    expected = []
    for fold in range(5):
        train = (folds != fold) & (folds != (fold + 1) % 5)
        seen = counts[train].sum(0) > 0
        peer = peers.MultinomialNB(alpha=0.5).fit(counts[train][:, seen], labels[train])
        expected.append(peer.score(counts[folds == fold][:, seen], labels[folds == fold]))
    model = labelled.train(labelled.NAIVE_BAYES | {"order": 1}, DATA)
    found: Any = measure(subjects.subject(model, DATA, folds=5))
    assert [row["accuracy"] for row in found.metrics["by_fold"]] == pytest.approx(expected)


def test_a_network_is_trained_on_each_fold() -> None:
    model = labelled.train(labelled.BAG, DATA)
    found: Any = measure(subjects.subject(model, DATA, folds=3))
    assert found.metrics["fold_log_loss"] < np.log(3)
    again: Any = measure(subjects.subject(model, DATA, folds=3))
    assert again == found


def test_several_ranks_are_refused() -> None:
    model = labelled.train(labelled.BAG, DATA)
    model.params = model.params.model_copy(update={"training": model.params.training.model_copy(update={"ranks": 2})})
    with pytest.raises(UnrollError, match=r"^evaluate\.folds: .* training\.ranks is 2; set it to 1"):
        measure(subjects.subject(model, DATA, folds=3))


def test_a_class_without_documents_in_a_fold_gives_no_error() -> None:
    """A class of one document is unknown to the training that it is tested by: its log loss is infinite."""
    labels = DATA.labels | {"train": ["rare", *DATA.labels["train"][1:]]}
    model = labelled.train(labelled.NAIVE_BAYES, replace(DATA, labels=labels))
    found: Any = measure(subjects.subject(model, replace(DATA, labels=labels), folds=3))
    assert found.metrics["fold_log_loss"] == np.inf
    assert np.isnan(found.metrics["fold_log_loss_deviation"])
    assert 0 < found.metrics["fold_accuracy"] < 1
