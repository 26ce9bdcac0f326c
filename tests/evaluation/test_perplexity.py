"""Perplexity of texts whose value is known."""

import math
from typing import Any

import numpy as np
import pytest

from tests import toy
from tests.evaluation.analysis.test_context_ablation import ngram
from tests.evaluation.subjects import COUNTS, data, subject
from unroll.evaluation.code_length import code_length
from unroll.evaluation.perplexity import (
    Score,
    evaluate,
    evaluate_carried,
    measure,
    measure_cache,
    measure_carried,
    measure_dynamic,
    score,
)
from unroll.models import family
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
    with pytest.raises(ValueError, match=r"^log_probs must have one log-probability for each token of each document$"):
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


class Die:
    """A loaded die: each token has its own probability, whatever came before."""

    def __init__(self, probs: Any) -> None:
        self.probs = np.asarray(probs)
        self.vocabulary_size = len(probs)

    def start(self, batch_size: int = 1) -> Any:
        return np.zeros(batch_size)

    def advance(self, state: Any, tokens: Any) -> Any:
        return state

    def next_log_probs(self, state: Any) -> Any:
        return np.log(np.tile(self.probs, (len(state), 1)))

    def select(self, state: Any, rows: Any) -> Any:
        return state[rows]

    def log_probs(self, documents: Any) -> Any:
        with np.errstate(divide="ignore"):  # `<bos>` has probability zero
            return [np.log(self.probs[document]).astype(np.float32) for document in documents]


PROBS = [0, 0, 0.1, 0.02, 0.3, 0.18, *[0.04] * 10]


def losses(split: str) -> list[tuple[int, float]]:
    """The tokens of a split with their losses in nats by the die."""
    return [(int(token), -math.log(PROBS[token])) for text in data().streams[split]["text"].documents for token in text]


def test_every_metric_of_a_known_model_is_that_of_its_definition() -> None:
    result = measure(subject(Die(PROBS), data(), statistics={"block": 20, "resamples": 500, "confidence": 0.95}))
    assert result is not None
    test, valid = losses("test"), losses("valid")
    nats, known = math.fsum(loss for _, loss in test), [loss for token, loss in test if token != UNK]
    bits, found = nats / math.log(2), dict(result.metrics)
    low, high = found.pop("test_perplexity_low"), found.pop("test_perplexity_high")
    assert found == pytest.approx(
        {
            "valid_perplexity": math.exp(math.fsum(loss for _, loss in valid) / len(valid)),
            "test_perplexity": math.exp(nats / len(test)),
            "test_perplexity_without_unknown": math.exp(math.fsum(known) / len(known)),
            "cross_entropy": nats / len(test),
            "bits_per_token": bits / len(test),
            "bits_per_character": (bits + 32 + 5) / (390 + 30),
            "bits_per_byte": (bits + 32 + 5) / (400 + 30),
            "bits_per_byte_tokens": bits / 430,
            "bits_per_byte_spelling": 32 / 430,
            "bits_per_byte_spacing": 5 / 430,
            "train_tokens": len(losses("train")),
            "test_tokens": len(test),
            "oov_rate": 1 - len(known) / len(test),
            "impossible_tokens": 0,
            "vocabulary_size": 16,
        },
        rel=1e-6,
    )
    assert (COUNTS["characters"], COUNTS["bytes"], COUNTS["documents"]) == (390, 400, 30)
    assert 0 < len(known) < len(test)
    assert low < found["test_perplexity"] < high
    assert measure(subject(object(), data())) is None
    np.testing.assert_allclose(np.concatenate(result.log_probs["nll"]), [-loss for _, loss in test], rtol=1e-6)


def test_equal_losses_have_an_interval_of_width_zero() -> None:
    result = measure(subject(Die([0, 0, *[1 / 14] * 14]), data()))
    assert result is not None
    assert [result.metrics[f"test_perplexity{end}"] for end in ("", "_low", "_high")] == pytest.approx([14] * 3)


def test_a_model_without_context_is_the_same_carried() -> None:
    of = subject(Die(PROBS), data(), carried_streams=2)
    result, carried = measure(of), measure_carried(of)
    assert result is not None
    assert carried is not None
    assert carried.metrics == {"carried_perplexity": pytest.approx(result.metrics["test_perplexity"])}
    assert measure_carried(subject(Die(PROBS), data(), carried_streams=0)) is None
    assert measure_carried(subject(Die(PROBS), data(), sampled=True, carried_streams=2)) is None
    assert measure_carried(subject(object(), data(), carried_streams=2)) is None


def test_fewer_documents_than_streams_are_read_one_by_one() -> None:
    documents, read = toy.text().test.documents[:3], []

    class Fair:
        def log_probs(self, texts: list[Any]) -> list[Any]:
            read.extend(texts)
            return [np.full(len(text), -1.0) for text in texts]

    result = evaluate_carried(Fair(), documents, streams=8)  # type: ignore[arg-type]
    assert result.tokens == sum(map(len, documents))
    assert [text.tolist() for text in read] == [document.tolist() for document in documents]


def test_a_model_with_the_probabilities_of_the_cache_gains_nothing_from_it() -> None:
    """The mixture of two equal models is this model, with any weight."""

    class Cached(Die):
        def log_probs(self, documents: Any) -> Any:
            return family("cache").Model(of.params.cache, self.vocabulary_size).log_probs(documents)

    of = subject(Cached(PROBS), data())
    result, cached = measure(of), measure_cache(of)
    assert result is not None
    assert cached is not None
    assert measure_cache(subject(object(), data())) is None
    np.testing.assert_allclose(np.concatenate(cached.log_probs["cache_nll"]), np.concatenate(result.log_probs["nll"]))
    assert cached.metrics == {
        "cache_perplexity": pytest.approx(result.metrics["test_perplexity"]),
        "cache_weight": pytest.approx(0.5),
    }


def test_dynamic_evaluation_has_the_settings_of_params() -> None:
    """The model adapts by `learning_rate` nats for each token."""

    class Adapting(Die):
        def adapted_log_probs(self, documents: Any, params: Any) -> Any:
            return [scores + params.learning_rate for scores in self.log_probs(documents)]

    dynamic = {"kind": "sgd", "learning_rate": 0.25, "segment": 8, "decay": 0.0}
    of = subject(Adapting(PROBS), data(), dynamic=dynamic)
    result, adapted = measure(of), measure_dynamic(of)
    assert result is not None
    assert adapted is not None
    expected = result.metrics["test_perplexity"] * math.exp(-0.25)
    assert adapted.metrics == {"dynamic_perplexity": pytest.approx(expected)}
    for changed, static in zip(adapted.log_probs["dynamic_nll"], result.log_probs["nll"], strict=True):
        np.testing.assert_allclose(changed, static + 0.25, rtol=1e-6)
    assert measure_dynamic(subject(Die(PROBS), data(), dynamic=dynamic)) is None
    assert measure_dynamic(subject(Adapting(PROBS), data(), dynamic={"kind": "none"})) is None
