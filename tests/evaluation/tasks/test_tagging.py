"""The scores of taggers: worked examples, scikit-learn, and a tagger that is always right."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from tests import tagged
from tests.evaluation.subjects import params
from unroll.evaluation.evaluate import evaluate
from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.evaluation.tasks import tagging
from unroll.models.base.tagged import is_unknown, sentences, tags
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.loading import load_tokenizer


class Fixed:
    """A tagger that gives the true tags of the test split, except where `wrong` says to give another one."""

    def __init__(self, data: Data, wrong: Any = None) -> None:
        self.tags, labels = list(data.tags), tags(data, "test")
        generator = np.random.default_rng(1)
        self.answers = [
            np.where(generator.random(len(row)) < (wrong or 0), (row + 1) % len(self.tags), row) for row in labels
        ]

    def tag(self, documents: list[Ids]) -> list[Ids]:
        return self.answers

    def tag_log_posteriors(self, documents: list[Ids]) -> list[Any]:
        size = len(self.tags)
        return [np.log(np.where(np.eye(size)[row] > 0, 0.9, 0.1 / (size - 1))) for row in self.answers]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tagged.prepare(tmp_path_factory.mktemp("tagged"), sentences=200)


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tagged.prepare(tmp_path_factory.mktemp("chunks"), sentences=200, tags="chunks")


def measured(root: Path, wrong: float = 0.0, **changes: Any) -> tuple[Evaluation, Data, Fixed]:
    data = tagged.load(root)
    tokenizer = load_tokenizer(root / "data/tokens/tagged/tokenizer.json")
    model = Fixed(data, wrong)
    statistics = {"block": 20, "resamples": 200, "confidence": 0.95}
    settings = params(**{"samples": 2, "statistics": statistics} | changes)
    return evaluate(Subject(model, data, tokenizer, tokenizer, settings, 1)), data, model


def test_a_tagger_that_is_always_right(root: Path) -> None:
    result, data, _ = measured(root)
    metrics, words = result.metrics, np.concatenate(sentences(data, "test"))
    assert metrics["tagged_words"] == len(words)
    assert metrics["test_sentences"] == len(data.test.documents)
    shares = ("tag_accuracy", "tag_accuracy_low", "tag_accuracy_high", "known_word_accuracy", "unknown_word_accuracy")
    assert {metrics[name] for name in (*shares, "sentence_accuracy")} == {1.0}
    assert metrics["unknown_word_rate"] == is_unknown(words).mean() > 0
    assert metrics["tag_log_loss"] == pytest.approx(-np.log(0.9))
    assert "[" not in result.samples
    assert len(result.samples.splitlines()) == 2
    assert set(result.diagnostics) == {"confusion", "by_tag"}


def test_scikit_learn_agrees_on_every_tag(root: Path) -> None:
    result, data, model = measured(root, wrong=0.3)
    true, predicted = np.concatenate(tags(data, "test")), np.concatenate(model.answers)
    assert result.metrics["tag_accuracy"] == pytest.approx(accuracy_score(true, predicted))
    assert result.metrics["tag_accuracy_low"] < result.metrics["tag_accuracy"] < result.metrics["tag_accuracy_high"]
    numbers = [data.tags.index(row["tag"]) for row in result.diagnostics["by_tag"]]
    expected = precision_recall_fscore_support(true, predicted, labels=numbers, zero_division=0)
    for row, *values in zip(result.diagnostics["by_tag"], *expected, strict=True):
        assert [row[name] for name in ("precision", "recall", "f1", "words")] == pytest.approx(values)
    assert result.metrics["macro_f1"] == pytest.approx(expected[2].mean())
    assert "[" in result.samples


def test_spans_are_scored_for_tags_in_bio_format_only(root: Path, chunks: Path) -> None:
    assert "span_f1" not in measured(root)[0].metrics
    right, wrong = measured(chunks)[0].metrics, measured(chunks, wrong=0.2)[0].metrics
    assert right["span_f1"] == right["span_precision"] == right["span_recall"] == 1
    assert right["spans"] > right["test_sentences"]
    assert 0 < wrong["span_f1"] < wrong["tag_accuracy"]


def test_an_unseen_tag_is_always_wrong_and_has_a_row(root: Path) -> None:
    data = tagged.load(root)
    stream = data.streams["test"]["tags"]
    last = int(stream.tokens.max())  # becomes a tag that the train split lacks
    without, tokens = replace(data, tags=data.tags[: last - 4]), np.where(stream.tokens == last, 3, stream.tokens)
    lost = int((tokens == 3).sum())
    sides = without.streams["test"] | {"tags": replace(stream, tokens=tokens)}
    without = replace(without, streams=without.streams | {"test": sides})
    model = Fixed(without)
    model.answers = [np.maximum(row, 0) for row in tags(without, "test")]
    tokenizer = load_tokenizer(root / "data/tokens/tagged/tokenizer.json")
    result = tagging.measure(Subject(model, without, tokenizer, tokenizer, params(), 1))
    assert result is not None
    assert result.metrics["tag_accuracy"] == pytest.approx(1 - lost / result.metrics["tagged_words"])
    assert result.metrics["tag_log_loss"] == np.inf
    (row,) = (row for row in result.diagnostics["by_tag"] if row["tag"] == tagging.UNSEEN)
    assert (row["words"], row["recall"], row["mistaken_for"]) == (lost, 0, data.tags[0])


def test_the_most_frequent_mistake_is_named() -> None:
    rows = tagging.score_tags(["A", "B", "C"], np.asarray([[5, 1, 2], [0, 3, 0], [0, 0, 0]]))
    assert [row["tag"] for row in rows] == ["A", "B", "C"]
    assert [row["mistaken_for"] for row in rows] == ["C", None, None]
    assert rows[2] == {"tag": "C", "words": 0, "precision": 0, "recall": 0, "f1": 0, "mistaken_for": None}
