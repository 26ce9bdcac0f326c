"""The laws of taggers (`unroll.models.base.label_protocol.Tagger`), for every family and its main options."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from tests import tagged, toy
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs
from unroll.models.base.label_protocol import Classifier, Tagger
from unroll.models.base.protocol import LanguageModel
from unroll.models.base.tagged import UNKNOWN_TAG, sentences, tags
from unroll.params.experiments import ModelParams, OracleEntry
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import UNK

HMM = {
    "family": "hmm_tagger",
    "tokenizer": "tagged",
    "order": 2,
    "smoothing": {"kind": "additive", "k": 0.1},
    "word_pseudo_count": 0.01,
    "rare_count": 1,
    "shape_pseudo_count": 0.1,
}
TAGGER = {
    "family": "recurrent_tagger",
    "tokenizer": "tagged",
    "cell": "gru",
    "embedding_size": 8,
    "shape_embedding_size": 4,
    "hidden_size": 8,
    "layers": 1,
    "bidirectional": True,
    "dropout": 0.1,
    "word_dropout": 0.1,
    "crf": False,
    "training": toy.TRAINING | {"epochs": 6, "patience": 6, "learning_rate": 0.03},
}
CASES: dict[str, dict[str, Any]] = {
    "bigram": HMM,
    "trigram": HMM | {"order": 3, "smoothing": {"kind": "interpolated"}},
    "without-other-tags-of-a-word": HMM | {"word_pseudo_count": 0.0, "smoothing": {"kind": "interpolated"}},
    "rnn": TAGGER | {"cell": "rnn", "bidirectional": False, "shape_embedding_size": 0},
    "bigru": TAGGER,
    "bilstm-crf": TAGGER | {"cell": "lstm", "crf": True, "layers": 2},
    "oracle": {"family": "tag_oracle", "tokenizer": "tagged", "corpus": "phrases"},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data of a small toy-tags corpus."""
    return tagged.prepare(tmp_path_factory.mktemp("tagged"), sentences=400)


@pytest.fixture(scope="module")
def data(root: Path) -> Data:
    return tagged.load(root)


def train(case: str, data: Data, root: Path) -> Any:
    entry: Any = ModelParams | OracleEntry
    params = TypeAdapter(entry).validate_python(CASES[case])
    return models.family(params.family).fit(params, data, Inputs(root=root), lambda *_, **__: None)


_trained: dict[str, Any] = {}


NETWORKS = ("rnn", "bigru", "bilstm-crf")


@pytest.fixture(params=[pytest.param(case, marks=pytest.mark.slow if case in NETWORKS else ()) for case in CASES])
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(case: str, data: Data, root: Path) -> Any:
    if case not in _trained:
        _trained[case] = train(case, data, root)
    return _trained[case]


@pytest.fixture
def documents(data: Data) -> list[Ids]:
    """Sentences of the test split, and one of a single unknown word."""
    return [*sentences(data, "test")[:30], np.asarray([[UNK, UNK]])]


def test_it_is_a_tagger_and_nothing_else(model: Any, data: Data) -> None:
    assert isinstance(model, Tagger)
    assert not isinstance(model, LanguageModel | Classifier)
    assert model.tags == data.tags


def test_posteriors_sum_to_one(model: Any, documents: list[Ids]) -> None:
    for document, log_probs in zip(documents, model.tag_log_posteriors(documents), strict=True):
        assert log_probs.shape == (len(document), len(model.tags))
        np.testing.assert_allclose(np.exp(np.asarray(log_probs, np.float64)).sum(1), 1, atol=1e-5)


def test_a_batch_equals_one_at_a_time(model: Any, documents: list[Ids]) -> None:
    for document, log_probs, labels in zip(
        documents, model.tag_log_posteriors(documents), model.tag(documents), strict=True
    ):
        alone = model.tag_log_posteriors([document])[0]
        np.testing.assert_allclose(np.exp(log_probs), np.exp(alone), atol=1e-5)
        np.testing.assert_array_equal(labels, model.tag([document])[0])
        assert labels.shape == (len(document),)


def test_no_sentence_and_empty_sentences(model: Any) -> None:
    assert model.tag([]) == model.tag_log_posteriors([]) == []
    empty = np.zeros((0, 2), np.int64)
    assert [len(labels) for labels in model.tag([empty, empty])] == [0, 0]
    assert model.tag_log_posteriors([empty])[0].shape == (0, len(model.tags))


def test_save_and_load_are_exact(model: Any, documents: list[Ids], tmp_path: Path) -> None:
    model.save(tmp_path)
    loaded = models.load(tmp_path)
    assert (loaded.tags, loaded.parameters) == (model.tags, model.parameters)
    for ours, theirs in zip(model.tag_log_posteriors(documents), loaded.tag_log_posteriors(documents), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_same_seed_same_bytes(case: str, model: Any, data: Data, root: Path, tmp_path: Path) -> None:
    for name, trained in (("one", model), ("two", train(case, data, root))):
        (tmp_path / name).mkdir()
        trained.save(tmp_path / name)
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def accuracy(model: Any, data: Data) -> float:
    predicted, labels = model.tag(sentences(data, "test")), tags(data, "test")
    return float(np.mean(np.concatenate(predicted) == np.concatenate(labels)))


def test_it_beats_the_most_frequent_tag_by_far(model: Any, data: Data) -> None:
    labels = np.concatenate(tags(data, "test"))
    assert accuracy(model, data) > (labels == 0).mean() + 0.2  # tag 0 is the most frequent one


def test_no_tagger_has_a_lower_loss_than_the_oracle(model: Any, data: Data, root: Path) -> None:
    oracle = _trained.setdefault("oracle", train("oracle", data, root))
    losses = []
    for tagger in (oracle, model):
        posteriors = np.concatenate(tagger.tag_log_posteriors(sentences(data, "test")))
        labels = np.concatenate(tags(data, "test"))
        losses.append(-posteriors[np.arange(len(labels)), labels].mean())
    assert np.isfinite(losses[0])
    assert losses[0] <= losses[1]  # infinite for a known word with another tag than those that it was seen with


def test_a_corpus_without_tags_is_refused(case: str, root: Path) -> None:
    if case == "oracle":
        pytest.skip("it reads the raw corpus")
    with pytest.raises(UnrollError, match=r"tokenizers\.toy: its corpus has no tags to learn; choose"):
        train(case, toy.text(), root)


def test_a_tag_that_the_train_split_lacks_is_no_tag(data: Data) -> None:
    for split in ("train", "valid", "test"):
        numbers = np.concatenate(tags(data, split))
        assert numbers.min() >= UNKNOWN_TAG
        assert numbers.max() < len(data.tags)
        assert split != "train" or numbers.min() == 0


def test_the_oracle_names_a_corpus_that_is_missing(data: Data, tmp_path: Path) -> None:
    with pytest.raises(UnrollError, match=r"phrases: unreadable .*; run `dvc repro -f download@phrases`"):
        train("oracle", data, tmp_path)


def test_the_partition_says_what_its_tags_are(root: Path, data: Data) -> None:
    plan = json.loads((root / "data/partitions/tagged/plan.json").read_text(encoding="utf-8"))
    assert plan["tags"] == data.tags
    assert plan["shapes"] == data.shapes > 4
