"""Context ablation of n-gram models, whose context is known."""

from typing import Any

import numpy as np
import pytest

from tests import toy
from unroll import models
from unroll.evaluation.analysis.context_ablation import ablate
from unroll.models.base.inputs import Inputs
from unroll.models.ngram.params import NgramParams
from unroll.params.evaluate import ContextAblation

PARAMS = ContextAblation(tokens=40, distances=[1, 2, 4, 8])
SMOOTHING = {"kind": "modified_kneser_ney", "fallback": [0.5, 1.0, 1.5]}


def ngram(order: int, smoothing: dict[str, Any] = SMOOTHING) -> Any:
    params = {"family": "ngram", "tokenizer": "toy", "order": order, "prune": [0], "smoothing": smoothing}
    return models.family("ngram").fit(NgramParams.model_validate(params), toy.text(), Inputs(), lambda *_, **__: None)


def test_a_trigram_uses_two_tokens() -> None:
    model, documents = ngram(3), toy.text().test.documents
    result = ablate(model, documents, model.log_probs(documents), PARAMS, seed=1)
    cut = {row["distance"]: row["nats"] for row in result["cut"]}
    shuffled = {row["distance"]: row["nats"] for row in result["shuffled"]}
    for distance in (2, 4, 8):
        assert cut[distance] == pytest.approx(result["full"], abs=1e-12)
        assert shuffled[distance] == pytest.approx(result["full"], abs=1e-12)
    assert cut[1] != pytest.approx(result["full"], abs=1e-6)
    assert result["tokens"] == 40


def test_the_result_is_empty_without_enough_context() -> None:
    model, documents = ngram(2), [np.asarray([4, 5, 2])]
    assert ablate(model, documents, model.log_probs(documents), PARAMS, seed=1) == {}


def test_the_losses_of_a_model_with_impossible_tokens_are_infinite() -> None:
    model, documents = ngram(3, {"kind": "maximum_likelihood"}), toy.text().test.documents
    result = ablate(model, documents, model.log_probs(documents), PARAMS, seed=1)
    assert result["full"] == np.inf
    assert result["cut"][-1] == {"distance": 8, "nats": np.inf, "error": 0.0}
