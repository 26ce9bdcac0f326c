"""Beam search: laws over n-gram models and encoder-decoders, and agreement with an exhaustive search."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from tests import toy
from tests.models.test_contract import train
from tests.models.test_seq2seq import OPTIONS, SOURCES, model
from unroll.evaluation import beam, generation
from unroll.evaluation.beam import largest, search
from unroll.models.base.protocol import LanguageModel
from unroll.params.evaluate import Search
from unroll.text.tokenizers.vocabulary import EOS

MAX_LENGTHS = [8, 3, 1, 12]


def params(width: int, **options: float) -> Search:
    values = {"length_penalty": 0.0, "coverage_penalty": 0.0, "max_length_ratio": 2.0, "max_length_offset": 10}
    return Search.model_validate({"beam": width, **values, **options})


@pytest.fixture(scope="module", params=["ngram", *OPTIONS])
def language_model(request: pytest.FixtureRequest) -> LanguageModel[Any]:
    if request.param == "ngram":
        return train("trigram-add-k")
    return model(**OPTIONS[request.param]).condition_on(SOURCES)


def test_beam_one_is_greedy_search(language_model: LanguageModel[Any]) -> None:
    results = search(language_model, MAX_LENGTHS, params(1))
    greedy = generation.generate(language_model, language_model.start(4), 4, 12, 0.0, 1)
    for hypotheses, tokens, limit in zip(results, greedy, MAX_LENGTHS, strict=True):
        assert len(hypotheses) == 1
        np.testing.assert_array_equal(hypotheses[0].tokens, tokens[:limit])


@pytest.mark.parametrize("width", [1, 4])
def test_the_log_prob_of_a_result_is_that_of_the_model(language_model: LanguageModel[Any], width: int) -> None:
    for rank in range(width):
        results = [
            hypotheses[min(rank, len(hypotheses) - 1)]
            for hypotheses in search(language_model, MAX_LENGTHS, params(width))
        ]
        scores = language_model.log_probs([np.append(one.tokens, EOS) for one in results])
        np.testing.assert_allclose([one.log_prob for one in results], [own.sum() for own in scores], rtol=1e-4)


def test_results_differ_are_ordered_and_within_the_maximum_length(language_model: LanguageModel[Any]) -> None:
    for hypotheses, limit in zip(search(language_model, MAX_LENGTHS, params(5)), MAX_LENGTHS, strict=True):
        assert 1 <= len(hypotheses) <= 5
        assert len({tuple(one.tokens) for one in hypotheses}) == len(hypotheses)
        assert max(len(one.tokens) for one in hypotheses) <= limit
        scores = [one.score for one in hypotheses]
        assert scores == sorted(scores, reverse=True)
        np.testing.assert_allclose(scores, [one.log_prob for one in hypotheses])  # without penalties


def test_a_batch_equals_one_at_a_time() -> None:
    translator = model(attention="dot")
    options = params(3, length_penalty=1.0, coverage_penalty=0.2)
    together = search(translator.condition_on(SOURCES), MAX_LENGTHS, options)
    for source, limit, hypotheses in zip(SOURCES, MAX_LENGTHS, together, strict=True):
        (alone,) = search(translator.condition_on([source]), [limit], options)
        assert [list(one.tokens) for one in alone] == [list(one.tokens) for one in hypotheses]
        np.testing.assert_allclose([one.score for one in alone], [one.score for one in hypotheses], rtol=1e-4)


def test_a_wide_beam_is_exhaustive_search() -> None:
    """All texts of at most two of the toy's words, by a bigram."""
    bigram, words = train("trigram-add-k"), range(EOS + 1, toy.VOCABULARY_SIZE)
    texts = [list(text) for length in range(3) for text in product(words, repeat=length)]
    scores = [own.sum() for own in bigram.log_probs([np.asarray([*text, EOS]) for text in texts])]
    best = np.argsort(scores)[::-1][:3]
    (results,) = search(bigram, [2], params(200))
    assert [list(one.tokens) for one in results[:3]] == [texts[index] for index in best]


class Coin:
    """Gives "4 5" and "4" the probability 1/2 each. The attention of token t is on source token t."""

    vocabulary_size = 6

    def start(self, batch_size: int = 1) -> Any:
        return np.zeros(batch_size, dtype=int)

    def advance(self, state: Any, tokens: Any) -> Any:
        return state + 1

    def select(self, state: Any, rows: Any) -> Any:
        return state[rows]

    def next_log_probs(self, state: Any) -> Any:
        table = np.asarray([[0, 0, 0, 0, 1, 0], [0, 0, 0.5, 0, 0, 0.5], [0, 0, 1, 0, 0, 0]])
        with np.errstate(divide="ignore"):
            return np.log(table)[np.minimum(state, 2)]

    def attention(self, state: Any) -> Any:
        return np.eye(3)[np.minimum(state, 2)]

    def log_probs(self, documents: Any) -> Any:
        raise NotImplementedError


def test_penalties_are_those_of_wu_et_al() -> None:
    (results,) = search(Coin(), [5], params(3, length_penalty=0.6, coverage_penalty=0.4))
    assert [list(one.tokens) for one in results] == [[4, 5], [4]]  # both have probability 1/2; the longer covers more
    assert results[0].score == pytest.approx(np.log(0.5) / (8 / 6) ** 0.6)
    assert results[1].score == pytest.approx(np.log(0.5) / (7 / 6) ** 0.6 + 0.4 * np.log(1e-9))


def test_a_text_that_cannot_end_has_log_prob_minus_infinity() -> None:
    (results,) = search(Coin(), [0], params(2))
    assert [list(one.tokens) for one in results] == [[]]
    assert results[0].log_prob == -np.inf


def test_no_contexts(language_model: LanguageModel[Any]) -> None:
    assert search(language_model, [], params(2)) == []


@pytest.mark.parametrize("size", [7, 500, 3000])
def test_the_largest_values_are_those_of_a_stable_sort(size: int) -> None:
    values = np.random.default_rng(1).integers(0, 40, (20, size)).astype(float)  # full of ties
    values[3] = -np.inf
    best, columns = largest(values, 6)
    expected = np.argsort(-values, axis=1, kind="stable")[:, :6]
    np.testing.assert_array_equal(columns, expected)
    np.testing.assert_array_equal(best, np.take_along_axis(values, expected, 1))
    assert beam.largest(values, size)[0].shape == (20, size)
