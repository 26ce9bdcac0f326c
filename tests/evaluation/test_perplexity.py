"""Perplexity: the notes' numbers, and texts whose value is known."""

import math
from typing import Any

import numpy as np
import pytest

from unroll.evaluation.perplexity import Score, evaluate, score
from unroll.text.tokenizers.vocabulary import EOS, UNK


class Uniform:
    """Every one of `size` tokens is as likely as any other."""

    def __init__(self, size: int) -> None:
        self.size = size

    def log_probs(self, documents: Any) -> Any:
        return [np.full(len(document), -math.log(self.size)) for document in documents]


def test_worked_example_of_the_notes() -> None:
    """Qin, equations 19 to 23: p = 0.70 gives 0.357 nats and perplexity 1.43."""
    result = score([np.log([0.70])], [np.asarray([7])])
    assert result.cross_entropy == pytest.approx(0.357, abs=5e-4)
    assert result.perplexity == pytest.approx(1.43, abs=5e-3)


def test_uniform_model_has_the_size_as_perplexity() -> None:
    documents = [np.asarray([5, 6, EOS]), np.asarray([EOS]), np.asarray([], dtype=int)]
    result = evaluate(Uniform(50), documents)
    assert result.tokens == 4
    assert result.perplexity == pytest.approx(50)


def test_unknown_words_are_counted_and_left_out_of_the_second_number() -> None:
    scores = [np.log([0.5, 0.001, 0.5])]
    result = score(scores, [np.asarray([5, UNK, EOS])])
    assert (result.tokens, result.unknown) == (3, 1)
    assert result.perplexity_without_unknown == pytest.approx(2)
    assert result.perplexity == pytest.approx((0.5 * 0.001 * 0.5) ** (-1 / 3))


def test_probability_zero_gives_infinity_and_never_nan() -> None:
    result = score([np.asarray([-1.0, -np.inf])], [np.asarray([UNK, 5])])
    assert result.impossible == 1
    assert result.perplexity == math.inf
    assert result.perplexity_without_unknown == math.inf
    unknown_impossible = score([np.asarray([-np.inf, -1.0])], [np.asarray([UNK, 5])])
    assert unknown_impossible.perplexity == math.inf
    assert unknown_impossible.perplexity_without_unknown == pytest.approx(math.e)


def test_all_unknown_is_scored_and_not_nan() -> None:
    result = score([np.log([0.5])], [np.asarray([UNK])])
    assert result.perplexity == pytest.approx(2)
    assert result.perplexity_without_unknown == math.inf


def test_overflow_is_infinity() -> None:
    assert Score(1, 1e6, 0, 1e6, 0).perplexity == math.inf


def test_bits_per_byte_charges_unknown_words_their_spelling() -> None:
    # 3 tokens at 1 bit each; one is <unk> for "zebra": 5 bytes and an end at 8 bits. The text: "a zebra", 7 + 1 bytes.
    result = score([np.log([0.5, 0.5, 0.5])], [np.asarray([5, UNK, EOS])])
    assert result.bits_per(8, unknown_bytes=5) == pytest.approx((3 + 8 * 6) / 8)


@pytest.mark.parametrize("scores", [[[0.0], [0.0, 0.0]], [[0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]], ids=str)
def test_each_token_of_each_document_has_its_score(scores: Any) -> None:
    with pytest.raises(ValueError, match="one log-probability for each token"):
        score([np.asarray(row) for row in scores], [np.asarray([7, 8]), np.asarray([9])])
