"""The comparison of two models on one text."""

from pathlib import Path

import numpy as np
import pytest

import unroll
from unroll.params.evaluate import Statistics
from unroll.use.comparison import compare

TEXTS = ["the students opened their books", "the time traveller arrived", "the zebra"] * 20
PARAMS = Statistics(block=50, resamples=200, confidence=0.9)


def test_bits_equal_those_of_evaluate_and_the_difference_is_signed(workspace: Path) -> None:
    trigram, chars = (unroll.load(workspace / "models" / name) for name in ("trigram", "chars"))
    result = compare(trigram, chars, TEXTS, PARAMS, 1)
    assert result.first == pytest.approx(trigram.evaluate(TEXTS).bits_per_byte)
    assert result.second == pytest.approx(chars.evaluate(TEXTS).bits_per_byte)
    assert result.difference.mean == pytest.approx(result.first - result.second)
    assert result.difference.low < result.difference.mean < result.difference.high
    reversed_result = compare(chars, trigram, TEXTS, PARAMS, 1)
    assert reversed_result.difference.mean == pytest.approx(-result.difference.mean)


def test_a_model_does_not_differ_from_itself(workspace: Path) -> None:
    hmm = unroll.load(workspace / "models" / "hmm")
    result = compare(hmm, hmm, TEXTS, PARAMS, 1)
    np.testing.assert_array_equal([result.difference.mean, result.difference.low, result.difference.high], 0)
    assert result.difference.p == 1
