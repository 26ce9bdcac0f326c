"""Perplexity of texts whose value is known."""

import math
from typing import Any

import numpy as np
import pytest

from tests import toy
from tests.evaluation.analysis.test_context_ablation import ngram
from unroll.evaluation.code_length import code_length
from unroll.evaluation.perplexity import Score, evaluate, evaluate_carried, score
from unroll.text.tokenizers.unknown import UnknownWords
from unroll.text.tokenizers.vocabulary import BOS, EOS, UNK


class Uniform:
    """All `size` tokens have the same probability."""

    def __init__(self, size: int) -> None:
        self.size = size

    def log_probs(self, documents: Any) -> Any:
        return [np.full(len(document), -math.log(self.size)) for document in documents]


def test_worked_example() -> None:
    """p = 0.70 gives 0.357 nats and perplexity 1.43."""
    result = score([np.log([0.70])], [np.asarray([7])])
    assert result.cross_entropy == pytest.approx(0.357, abs=5e-4)
    assert result.perplexity == pytest.approx(1.43, abs=5e-3)


def test_uniform_model_has_the_size_as_perplexity() -> None:
    documents = [np.asarray([5, 6, EOS]), np.asarray([EOS]), np.asarray([], dtype=int)]
    result = evaluate(Uniform(50), documents)
    assert result.tokens == 4
    assert result.perplexity == pytest.approx(50)


def test_unknown_words_are_counted_and_left_out_of_the_second_perplexity() -> None:
    scores = [np.log([0.5, 0.001, 0.5])]
    result = score(scores, [np.asarray([5, UNK, EOS])])
    assert (result.tokens, result.unknown_tokens) == (3, 1)
    assert result.perplexity_without_unknown == pytest.approx(2)
    assert result.perplexity == pytest.approx((0.5 * 0.001 * 0.5) ** (-1 / 3))


def test_probability_zero_gives_infinity_and_never_nan() -> None:
    result = score([np.asarray([-1.0, -np.inf])], [np.asarray([UNK, 5])])
    assert result.impossible_tokens == 1
    assert result.perplexity == math.inf
    assert result.perplexity_without_unknown == math.inf
    impossible_unknown = score([np.asarray([-np.inf, -1.0])], [np.asarray([UNK, 5])])
    assert impossible_unknown.perplexity == math.inf
    assert impossible_unknown.perplexity_without_unknown == pytest.approx(math.e)


def test_all_unknown_is_scored_and_not_nan() -> None:
    result = score([np.log([0.5])], [np.asarray([UNK])])
    assert result.perplexity == pytest.approx(2)
    assert result.perplexity_without_unknown == math.inf


def test_overflow_is_infinity() -> None:
    assert Score(1, 1e6, 0, 1e6, 0).perplexity == math.inf


def test_bits_per_byte_charges_unknown_words_their_spelling() -> None:
    # 3 tokens at 1 bit each; one is <unk> for "zebra": 5 bytes and an end at 8 bits. The text: "a zebra", 7 + 1 bytes.
    result = score([np.log([0.5, 0.5, 0.5])], [np.asarray([5, UNK, EOS])])
    code = code_length(result.nats, UnknownWords().bits(["zebra"]), spacing_bits=2.0).per(8)
    assert (code.tokens, code.spelling, code.spacing) == pytest.approx((3 / 8, 8 * 6 / 8, 2 / 8))
    assert code.total == pytest.approx((3 + 8 * 6 + 2) / 8)


@pytest.mark.parametrize("scores", [[[0.0], [0.0, 0.0]], [[0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]], ids=str)
def test_a_missing_log_probability_is_an_error(scores: Any) -> None:
    with pytest.raises(ValueError, match="one log-probability for each token"):
        score([np.asarray(row) for row in scores], [np.asarray([7, 8]), np.asarray([9])])


def test_the_carried_context_spans_documents_as_in_training() -> None:
    """Documents are between `<bos>` and `<eos>` as in the train stream; `<bos>` is not counted."""
    documents, read = toy.text().test.documents, []

    class Fair:
        def log_probs(self, texts: list[Any]) -> list[Any]:
            read.extend(texts)
            return [np.where(text == BOS, -np.inf, -1.0) for text in texts]

    result = evaluate_carried(Fair(), documents, streams=2)  # type: ignore[arg-type]
    assert result.nats == result.tokens == sum(map(len, documents))
    assert len(read) == 2
    stream = np.concatenate([[BOS, *document] for document in documents])
    np.testing.assert_array_equal(np.concatenate([[BOS, *text] for text in read]), stream)


def test_a_context_that_ends_at_bos_is_the_same_carried() -> None:
    model, documents = ngram(3), toy.text().test.documents
    assert evaluate_carried(model, documents, streams=1).nats == pytest.approx(evaluate(model, documents).nats)
