"""The influence of each earlier token on each prediction."""

import functools
import math
from typing import Any, ClassVar

import numpy as np
import pytest

from tests import toy
from tests.evaluation.subjects import subject
from tests.models.test_contract import CASES, train
from unroll.evaluation.analysis.influence import influence, measure
from unroll.models.base.protocol import LanguageModel, log_probs_by_stepping
from unroll.text.tokenizers.vocabulary import EOS, UNK

DOCUMENT = np.array([4, 7, 5, 9, 6, 4, 8, EOS])
NGRAMS = ["unigram", "trigram-interpolated", "kneser5"]
MODELS = [*NGRAMS, "hmm", "rnn", "gru-dot", "window", "transformer"]
trained = functools.cache(train)


class Bigram:
    """Both tokens have 1/2 after <bos>; b follows a with 3/4 and b with 1/4. Token 4 is a and token 5 is b."""

    vocabulary_size = 6
    probability: ClassVar = {1: {4: 0.5, 5: 0.5}, 4: {4: 0.25, 5: 0.75}, 5: {4: 0.75, 5: 0.25}}

    def log_probs(self, documents: Any) -> list[Any]:
        return [
            np.array([math.log(self.probability[a][b]) for a, b in zip([1, *document[:-1]], document, strict=True)])
            for document in np.asarray(documents, dtype=object)
        ]


def test_the_influence_in_a_bigram_model_by_hand() -> None:
    """In "a b b", the first b is predicted from a, and the second from b; without b, it is predicted from a."""
    found = influence(Bigram(), np.array([4, 5, 5]))  # type: ignore[arg-type]
    expected = [[0, 0, 0], [math.log(0.75 / 0.5), 0, 0], [0, math.log(0.25 / 0.75), 0]]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    replaced = influence(Bigram(), np.array([4, 5, 5]), replacement=4)  # type: ignore[arg-type]
    np.testing.assert_allclose(replaced, [[0, 0, 0], [0, 0, 0], [0, math.log(0.25 / 0.75), 0]], atol=1e-12)


@pytest.mark.parametrize("case", MODELS)
@pytest.mark.parametrize("replacement", [None, UNK])
def test_the_influence_equals_that_of_a_model_that_reads_step_by_step(case: str, replacement: int | None) -> None:
    model = trained(case)
    found = influence(model, DOCUMENT, replacement)
    assert found.shape == (8, 8)
    np.testing.assert_array_equal(np.triu(found), 0)
    for t in range(1, 8):
        for s in range(t):
            erased = DOCUMENT.copy() if replacement is not None else np.delete(DOCUMENT, s)
            if replacement is not None:
                erased[s] = replacement
            (full,), (other,) = (log_probs_by_stepping(model, [each]) for each in (DOCUMENT, erased))
            assert found[t, s] == pytest.approx(full[t] - other[t - (replacement is None)], abs=2e-4)


@pytest.mark.parametrize("case", NGRAMS)
@pytest.mark.parametrize("replacement", [None, UNK])
def test_words_beyond_the_context_of_an_ngram_model_have_no_influence(case: str, replacement: int | None) -> None:
    order, found = CASES[case]["order"], influence(trained(case), DOCUMENT, replacement)
    np.testing.assert_array_equal(np.tril(found, -order), 0)
    near = np.tril(found, -1) - np.tril(found, -order)
    assert (near != 0).any() == (order > 1)


@pytest.mark.parametrize("replacement", [None, UNK])
def test_words_beyond_the_window_have_no_influence(replacement: int | None) -> None:
    width, found = CASES["window"]["window"], influence(trained("window"), DOCUMENT, replacement)
    np.testing.assert_allclose(np.tril(found, -width - 1), 0, atol=1e-5)
    assert np.abs(np.tril(found, -1)).max() > 1e-3


@pytest.mark.parametrize("case", MODELS)
def test_the_influences_of_a_token_sum_to_its_effect_on_all_later_tokens(case: str) -> None:
    """The sum of column s is log p(document) - log p(x_s | its past) - log p(document without x_s)."""
    model = trained(case)
    found, (full,) = influence(model, DOCUMENT), model.log_probs([DOCUMENT])
    for s in range(7):
        (without,) = model.log_probs([np.delete(DOCUMENT, s)])
        assert found[:, s].sum() == pytest.approx(full.sum() - full[s] - without.sum(), abs=1e-4)


@pytest.mark.parametrize("case", MODELS)
def test_the_expected_influence_is_a_divergence(case: str) -> None:
    """Under the model's own prediction, the mean influence is KL(p(. | context) || p(. | context without x_s)) >= 0."""
    model: LanguageModel[Any] = trained(case)
    context = DOCUMENT[:4]
    state = model.start(1)
    for token in context:
        state = model.advance(state, np.array([token]))
    probabilities = np.exp(np.asarray(model.next_log_probs(state)[0], dtype=np.float64))
    tokens = np.flatnonzero(probabilities)
    last = np.stack([influence(model, np.append(context, token))[4, :4] for token in tokens])
    assert (probabilities[tokens] @ last > -1e-5).all()


def test_impossible_predictions_have_infinite_influences_and_no_nan() -> None:
    class Cycle:
        """Only a b and b a are possible."""

        vocabulary_size = 6

        def log_probs(self, documents: Any) -> list[Any]:
            return [np.where(np.diff([5, *document]) == 0, -np.inf, 0.0) for document in documents]

    found = influence(Cycle(), np.array([4, 5, 4, 4]))  # type: ignore[arg-type]
    expected = [[0, 0, 0, 0], [math.inf, 0, 0, 0], [0, math.inf, 0, 0], [0, 0, -math.inf, 0]]
    np.testing.assert_array_equal(found, expected)


def test_the_evaluation_shows_the_first_document_that_has_several_tokens() -> None:
    trigram = trained("trigram-interpolated")
    data = toy.text()
    result = measure(subject(trigram, data))
    assert result is not None
    found = result.diagnostics["influence"]
    document = next(each for each in data.streams["test"]["text"].documents if len(each) > 1)[:20]
    assert len(found["tokens"]) == len(document)
    np.testing.assert_allclose(found["nats"], influence(trigram, document), atol=1e-4)
    assert measure(subject(trigram, data, context_ablation={"tokens": 0, "distances": [1, 2]})) is None
