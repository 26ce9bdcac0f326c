"""Scores of a classifier with known posteriors."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.evaluation.subjects import subject
from tests.models import labelled
from unroll.evaluation.tasks.classification import Scores, evaluate, measure
from unroll.models.base.protocol import LogProbs
from unroll.text.streams import Ids


class Oracle:
    """Document i is its own row of posteriors."""

    classes: list[str]

    def __init__(self, classes: list[str], posteriors: list[list[float]]) -> None:
        self.classes = classes
        self.posteriors = np.asarray(posteriors)

    def log_posteriors(self, documents: Sequence[Ids]) -> LogProbs:
        with np.errstate(divide="ignore"):
            return np.log(self.posteriors[[int(document[0]) for document in documents]])


DOCUMENTS = [np.asarray([i]) for i in range(4)]
POSTERIORS = [[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.5, 0.5, 0.0]]


def scored(labels: list[str], posteriors: list[list[float]] = POSTERIORS) -> Scores:
    return evaluate(Oracle(["a", "b", "c"], posteriors), DOCUMENTS, labels)


def test_known_numbers() -> None:
    scores = scored(["a", "b", "b", "a"])
    assert (scores.documents, scores.accuracy) == (4, 0.75)
    assert scores.macro_f1 == pytest.approx((0.8 + 2 / 3 + 0) / 3)  # a: 2 of 3 and 2 of 2; b: 1 of 1 and 1 of 2
    assert scores.log_loss == pytest.approx(-np.log([0.7, 0.3, 0.8, 0.5]).mean())
    assert scores.confusion.tolist() == [[2, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_log_loss_equals_scikit_learn_where_nothing_is_impossible() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    posteriors = [*POSTERIORS[:3], [0.2, 0.3, 0.5]]
    expected = metrics.log_loss(["a", "b", "b", "c"], posteriors, labels=["a", "b", "c"])
    assert scored(["a", "b", "b", "c"], posteriors).log_loss == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("last", ["c", "never trained"])
def test_the_impossible_costs_infinity(last: str) -> None:
    scores = scored(["a", "a", "b", last])
    assert scores.log_loss == np.inf
    assert scores.accuracy == 0.75


def test_a_class_that_training_lacks_has_a_row() -> None:
    scores = scored(["a", "a", "b", "z"])
    assert scores.classes == ["a", "b", "c", "z"]
    assert scores.confusion[3].tolist() == [1, 0, 0, 0]


def test_the_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    """Confidence 0.85 (right) and 0.88 (wrong) share a bin; 0.65 (wrong) and 0.55 (right) are alone in theirs."""
    posteriors = [[0.85, 0.1, 0.05], [0.88, 0.1, 0.02], [0.65, 0.2, 0.15], [0.3, 0.55, 0.15]]
    scores = scored(["a", "b", "c", "b"], posteriors)
    assert [(row["first"], row["documents"]) for row in scores.calibration] == [(0.5, 1), (0.6, 1), (0.8, 2)]
    assert scores.calibration[2] == pytest.approx(
        {"first": 0.8, "last": 0.9, "documents": 2, "confidence": 0.865, "accuracy": 0.5}
    )
    assert scores.calibration_error == pytest.approx((0.45 + 0.65 + 2 * 0.365) / 4)


def test_a_sure_and_right_classifier_is_calibrated() -> None:
    scores = scored(["a", "b", "c", "a"], [[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    assert (scores.calibration_error, scores.log_loss) == (0, 0)
    assert scores.errors.tolist() == scores.nats.tolist() == [0, 0, 0, 0]


def test_intervals_contain_their_values_and_documents_are_their_unit() -> None:
    """With blocks of 500 tokens, 60 documents would be one block, whose interval has no width."""
    data = labelled.data()
    found = measure(subject(labelled.train(labelled.NAIVE_BAYES | {"order": 1}, data), data))
    assert found is not None
    for name in ("accuracy", "log_loss"):
        low, value, high = (found.metrics[name + end] for end in ("_low", "", "_high"))
        assert low < value < high
    deviation = np.sqrt(found.metrics["accuracy"] * (1 - found.metrics["accuracy"]) / 59)
    width = found.metrics["accuracy_high"] - found.metrics["accuracy_low"]
    assert width == pytest.approx(2 * 1.96 * deviation, rel=0.1)
    assert found.arrays["label_errors"].mean() == pytest.approx(1 - found.metrics["accuracy"])
    assert found.arrays["label_nats"].mean() == pytest.approx(found.metrics["log_loss"])


def test_the_attention_of_short_texts_is_kept_for_the_report() -> None:
    data = labelled.data()
    model = labelled.train(labelled.NETWORK | {"pooling": "attention"}, data)
    found = measure(subject(model, data, samples=2))
    assert found is not None
    predicted = [line.split("\t")[1] for line in found.samples.splitlines()[1:]]
    examples = found.diagnostics["attention"]
    assert [example["target"] for example in examples] == [[label] for label in predicted[:2]]
    for example, document in zip(examples, data.test.documents, strict=False):
        assert len(example["source"]) == len(document)
        assert example["source"][-1] == "<eos>"
        assert example["weights"].sum() == pytest.approx(1, abs=1e-3)
    without = measure(subject(labelled.train(labelled.BAG, data), data, samples=2))
    assert without is not None
    assert "attention" not in without.diagnostics
