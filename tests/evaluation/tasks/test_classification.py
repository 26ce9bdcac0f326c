"""Scores of a classifier with known posteriors."""

from collections.abc import Sequence

import numpy as np
import pytest

from unroll.evaluation.tasks.classification import Scores, evaluate
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
