"""The laws of `unroll.models.base.label_protocol.Classifier`, for every family of classifiers and its options."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import toy
from tests.models import labelled
from tests.models.labelled import CASES, NETWORKS
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.label_protocol import AttentiveClassifier, Classifier
from unroll.models.base.protocol import EmbeddingModel
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import EOS, UNK

DATA = labelled.data()


@cache
def trained(case: str) -> Any:
    return labelled.train(CASES[case], DATA)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(case: str) -> Any:
    return trained(case)


def documents() -> list[Ids]:
    """Texts of many lengths, with unknown words, one without words, and one that is longer than `max_tokens`."""
    long = np.concatenate(toy.documents(12, seed=99))
    return [*DATA.test.documents[:20], *(np.asarray([*text, EOS]) for text in ([UNK, UNK], [5], [], long))]


def test_satisfies_the_protocol(model: Any) -> None:
    assert isinstance(model, Classifier)
    assert model.classes == ["all", "high", "low"]
    assert model.parameters > 0


def test_rows_sum_to_one(model: Classifier) -> None:
    posteriors = model.log_posteriors(documents())
    assert posteriors.shape == (24, 3)
    np.testing.assert_allclose(np.exp(posteriors).sum(1), 1, rtol=1e-12)


def test_no_documents(model: Classifier) -> None:
    assert model.log_posteriors([]).shape == (0, 3)


def test_the_other_documents_of_a_batch_and_their_padding_change_nothing(model: Classifier) -> None:
    together = model.log_posteriors(documents())
    alone = np.concatenate([model.log_posteriors([document]) for document in documents()])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)


def test_the_order_of_a_batch_changes_nothing(model: Classifier) -> None:
    order = np.random.default_rng(1).permutation(len(documents()))
    shuffled = model.log_posteriors([documents()[row] for row in order])
    np.testing.assert_allclose(shuffled, model.log_posteriors(documents())[order], rtol=1e-4, atol=1e-6)


def test_save_and_load_are_exact(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path)
    loaded = models.load(tmp_path)
    assert (loaded.classes, loaded.parameters) == (model.classes, model.parameters)
    np.testing.assert_array_equal(loaded.log_posteriors(documents()), model.log_posteriors(documents()))


def test_same_seed_same_bytes(case: str, tmp_path: Path) -> None:
    for name, model in (("one", trained(case)), ("two", labelled.train(CASES[case], DATA))):
        (tmp_path / name).mkdir()
        model.save(tmp_path / name)
    for file in sorted(path for path in (tmp_path / "one").rglob("*") if path.is_file()):
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes(), file.name


@pytest.mark.parametrize("case", [name for name in CASES if name != "minlstm-cut"], indirect=True)
def test_beats_the_prior(model: Classifier) -> None:
    posteriors = model.log_posteriors(DATA.test.documents)
    column = {label: number for number, label in enumerate(model.classes)}
    nats = [-row[column[label]] for row, label in zip(posteriors, DATA.labels["test"], strict=True)]
    assert np.mean(nats) < np.log(3) - 0.02


def test_a_corpus_without_labels_is_refused(case: str) -> None:
    with pytest.raises(UnrollError, match="labelled corpus"):
        labelled.train(CASES[case], toy.text())


@pytest.mark.parametrize("case", NETWORKS, indirect=True)
def test_attention_weights_sum_to_one(case: str, model: Any) -> None:
    assert isinstance(model, EmbeddingModel)
    assert isinstance(model, AttentiveClassifier)
    assert model.embedding.shape == (toy.VOCABULARY_SIZE, 8)
    found = model.attention_weights(documents())
    if not case.endswith("attention"):
        assert found is None
        return
    assert found is not None
    for document, (tokens, weights) in zip(documents(), found, strict=True):
        np.testing.assert_array_equal(tokens, np.append(document[:-1][:50], EOS))
        assert tokens.shape == weights.shape
        assert weights.min() > 0
        assert weights.sum() == pytest.approx(1, abs=1e-5)
    (alone,) = model.attention_weights([documents()[3]])
    np.testing.assert_allclose(alone[1], found[3][1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", NETWORKS, indirect=True)
def test_valid_texts_of_a_class_that_train_lacks_are_left_out(case: str) -> None:
    """The weights are those without these texts: they count neither as right nor as wrong."""
    unknown = labelled.labelled(
        {"train": _texts("train"), "valid": [*_texts("valid"), np.asarray([5, 6])], "test": _texts("test")},
        DATA.labels | {"valid": [*DATA.labels["valid"], "other"]},
    )
    model = labelled.train(CASES[case], unknown)
    np.testing.assert_array_equal(model.log_posteriors(documents()), trained(case).log_posteriors(documents()))


@pytest.mark.parametrize("case", NETWORKS[:2], indirect=True)
def test_valid_without_any_known_class_is_refused(case: str) -> None:
    labels = DATA.labels | {"valid": ["other"] * len(DATA.labels["valid"])}
    with pytest.raises(UnrollError, match=r"^tokenizers\.toy: no text of the valid split has a label of the train"):
        labelled.train(CASES[case], replace(DATA, labels=labels))


def _texts(split: str) -> list[Ids]:
    return [document[:-1] for document in DATA.streams[split]["text"].documents]
