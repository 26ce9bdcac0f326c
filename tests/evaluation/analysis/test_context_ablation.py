"""How far a model looks: one whose reach is known, and the sums of a text."""

from typing import Any

import numpy as np
import pytest

from tests import toy
from unroll import models
from unroll.evaluation import cache_mixture
from unroll.evaluation.analysis import context_ablation
from unroll.evaluation.perplexity import carried, evaluate
from unroll.models.base.inputs import Inputs
from unroll.models.ngram.params import NgramParams
from unroll.params.evaluate import Context
from unroll.text.tokenizers.vocabulary import BOS

PARAMS = Context(tokens=40, distances=[1, 2, 4, 8])
SMOOTHING = {"kind": "modified_kneser_ney", "fallback": [0.5, 1.0, 1.5]}


def ngram(order: int) -> Any:
    params = {"family": "ngram", "tokenizer": "toy", "order": order, "prune": [0], "smoothing": SMOOTHING}
    return models.family("ngram").fit(NgramParams.model_validate(params), toy.text(), Inputs(), lambda *_, **__: None)


def test_a_trigram_looks_two_tokens_back() -> None:
    model, documents = ngram(3), toy.text().test.documents
    found = context_ablation.look(model, documents, model.log_probs(documents), PARAMS, seed=1)
    cut = {row["distance"]: row["nats"] for row in found["cut"]}
    shuffled = {row["distance"]: row["nats"] for row in found["shuffled"]}
    for distance in (2, 4, 8):
        assert cut[distance] == pytest.approx(found["full"], abs=1e-12)
        assert shuffled[distance] == pytest.approx(found["full"], abs=1e-12)
    assert cut[1] != pytest.approx(found["full"], abs=1e-6)
    assert found["tokens"] == 40


def test_without_enough_context_there_is_nothing_to_see() -> None:
    model, documents = ngram(2), [np.asarray([4, 5, 2])]
    assert context_ablation.look(model, documents, model.log_probs(documents), PARAMS, seed=1) == {}


def test_by_position_adds_up() -> None:
    log_probs = [-np.arange(1.0, 6), -np.arange(1.0, 3)]
    rows = context_ablation.by_position(log_probs)
    assert [(row["first"], row["last"], row["tokens"]) for row in rows] == [(0, 0, 2), (1, 1, 2), (2, 3, 2), (4, 7, 1)]
    assert [row["nats"] for row in rows] == [1, 2, 3.5, 5]


def test_the_weight_of_the_cache_is_the_best_one() -> None:
    """Half of the tokens have 0.6 in the cache and half 0.04, all have 0.1 in the model. The derivative of the mean of
    log((1 - w) p_model + w p_cache) is nought where 0.5 (0.1 - 0.06 w) = 0.06 (0.1 + 0.5 w): w = 11/15."""
    model, cache = [np.log([0.1, 0.1])], [np.log([0.6, 0.04])]
    weight = cache_mixture.weight(model, cache, iterations=1000)
    assert weight == pytest.approx(11 / 15)
    (mixed,) = cache_mixture.mixed(model, cache, weight)
    np.testing.assert_allclose(np.exp(mixed), [0.1 * 4 / 15 + 0.6 * 11 / 15, 0.1 * 4 / 15 + 0.04 * 11 / 15])
    assert cache_mixture.weight([np.empty(0)], [np.empty(0)], iterations=3) == 0


def test_carried_reads_on_across_documents_as_training_does() -> None:
    """Documents stand between `<bos>` and `<eos>` in the train stream, and so they do here; `<bos>` is not counted."""
    documents, read = toy.text().test.documents, []

    class Fair:
        def log_probs(self, texts: list[Any]) -> list[Any]:
            read.extend(texts)
            return [np.where(text == BOS, -np.inf, -1.0) for text in texts]

    found = carried(Fair(), documents, rows=2)  # type: ignore[arg-type]
    assert found.nats == found.tokens == sum(map(len, documents))
    assert len(read) == 2
    stream = np.concatenate([[BOS, *document] for document in documents])
    np.testing.assert_array_equal(np.concatenate([[BOS, *text] for text in read]), stream)


def test_a_context_that_ends_at_bos_is_the_same_carried() -> None:
    model, documents = ngram(3), toy.text().test.documents
    assert carried(model, documents, rows=1).nats == pytest.approx(evaluate(model, documents).nats)
