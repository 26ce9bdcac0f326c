"""The excess over the oracle by the size of the training text."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import toy
from tests.models.ngrams import params
from unroll.evaluation.analysis import learning_curve
from unroll.models.base.inputs import Inputs
from unroll.models.base.training import take_fraction
from unroll.models.ngram import model as ngram
from unroll.params.evaluate import Statistics
from unroll.text.streams import Data

STATISTICS = Statistics(block=20, resamples=200, confidence=0.95)


def unigram(data: Data) -> Any:
    return ngram.fit(params("add_k", 1), data, Inputs(), lambda *_, **__: None)


def test_a_fraction_is_the_first_documents_of_train_and_nothing_else_changes() -> None:
    data = toy.text()
    small = take_fraction(data, 1 / 8)
    assert len(small.train.documents) == 25
    for ours, whole in zip(small.train.documents, data.train.documents[:25], strict=True):
        np.testing.assert_array_equal(ours, whole)
    assert small.test is data.test
    assert small.valid is data.valid
    assert len(take_fraction(data, 1e-6).train.documents) == 1
    assert len(take_fraction(data, 0.145).train.documents) == 29  # of 200 documents


def test_the_oracle_has_no_excess_and_a_model_has_some() -> None:
    data = toy.text()
    oracle = unigram(data)
    curve = learning_curve.Curve(data, oracle, STATISTICS)
    curve.add(100, oracle)
    curve.add(50, unigram(take_fraction(data, 1 / 100)))
    same, less = curve.points
    assert (same.excess, same.low, same.high) == (0, 0, 0)
    assert less.excess > 50
    assert less.low < less.excess < less.high
    assert less.expected == pytest.approx(oracle.parameters / (2 * 50) * 1000 / np.log(2))
    assert less.expected == pytest.approx(2 * same.expected)


def test_points_are_written_and_read_as_they_are(tmp_path: Path) -> None:
    points = [
        learning_curve.Point(10, 1 / 3, -0.1, float("inf"), 2.5),
        learning_curve.Point(40, 1e-17, 0.0, 1.0, 0.625),
    ]
    learning_curve.write(points, tmp_path / "model.json", {"params_hash": "00ff"})
    assert learning_curve.read(tmp_path / "model.json") == points
    assert json.loads((tmp_path / "model.json").read_text())["params_hash"] == "00ff"
