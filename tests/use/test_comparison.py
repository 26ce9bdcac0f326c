"""Two models on one text."""

from pathlib import Path

import numpy as np
import pytest

import unroll
from unroll.params.evaluate import Statistics
from unroll.use.comparison import compare

TEXTS = ["the students opened their books", "the time traveller arrived", "the zebra"] * 20
PARAMS = Statistics(block=50, resamples=200, confidence=0.9)


def test_bits_are_those_of_evaluate_and_the_difference_is_signed(workspace: Path) -> None:
    trigram, chars = (unroll.load(workspace / "models" / name) for name in ("trigram", "chars"))
    found = compare(trigram, chars, TEXTS, PARAMS, 1)
    assert found.one == pytest.approx(trigram.evaluate(TEXTS).bits_per_byte)
    assert found.other == pytest.approx(chars.evaluate(TEXTS).bits_per_byte)
    assert found.difference.mean == pytest.approx(found.one - found.other)
    assert found.difference.low < found.difference.mean < found.difference.high
    back = compare(chars, trigram, TEXTS, PARAMS, 1)
    assert back.difference.mean == pytest.approx(-found.difference.mean)


def test_a_model_is_as_good_as_itself(workspace: Path) -> None:
    hmm = unroll.load(workspace / "models" / "hmm")
    found = compare(hmm, hmm, TEXTS, PARAMS, 1)
    np.testing.assert_array_equal([found.difference.mean, found.difference.low, found.difference.high], 0)
    assert found.difference.p == 1
