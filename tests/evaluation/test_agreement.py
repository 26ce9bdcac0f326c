"""Perplexity computed in three ways: by log_probs, by stepping, and by a reference with the same parameters."""

import math
from typing import Any

import numpy as np
import pytest

from tests import toy
from tests.evaluation import references
from tests.evaluation.analysis.test_k_step import chain
from tests.evaluation.references import Reference
from tests.models.test_contract import CASES, train
from unroll.evaluation.perplexity import evaluate, score
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import log_probs_by_stepping
from unroll.models.mixture import model as mixture
from unroll.models.mixture.params import MixtureParams
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import EOS

EXACT, FLOAT32 = 1e-9, 1e-6
"""Relative tolerances: networks compute in float32, all other models in float64."""


def model_and_reference(case: str) -> tuple[Any, Reference]:
    """A model and its reference."""
    if case == "oracle":  # a chain of four states that ends with probability 0.1, as one of five that emits <eos>
        model = chain("hmm")
        process = model.process
        emission = np.zeros((5, 8))
        emission[:4, 4:], emission[4, EOS] = process.emission, 1
        transition = np.zeros((5, 5))
        transition[:4, :4], transition[:4, 4] = 0.9 * process.transition, 0.1
        return model, references.forward(np.append(process.initial, 0), transition, emission)
    if case == "mixture":
        (first, one), (second, other) = model_and_reference("trigram-add-k"), model_and_reference("hmm")
        numbers = {"first": "a", "second": "b", "iterations": 5, "tolerance": 0.0}
        params = MixtureParams.model_validate({"family": "mixture", "tokenizer": "toy", **numbers})
        inputs = Inputs(trained={"a": first, "b": second})
        mixed = mixture.fit(params, toy.text(), inputs, lambda *_, **__: None)
        return mixed, references.mixture(mixed.weights, [one, other])
    model = train(case)
    match CASES[case]["family"]:
        case "ngram":
            return model, references.trigram_with_add_k(0.1, toy.VOCABULARY_SIZE)
        case "hmm":
            return model, references.forward(model.initial, model.transition, model.emission)
        case "window":
            return model, references.window(model)
        case "transformer":
            return model, references.transformer(model)
    return model, references.recurrent(model, model.params.cell)


def texts(case: str) -> list[Ids]:
    if case == "oracle":  # of its own few symbols
        return [np.append(np.random.default_rng(n).integers(4, 8, n), EOS) for n in (1, 5, 30)]
    return [document for document in toy.text().test.documents if len(document)]


@pytest.mark.parametrize(
    ("case", "tolerance"),
    [
        ("trigram-add-k", EXACT),
        ("hmm", EXACT),
        ("oracle", EXACT),
        ("mixture", EXACT),
        ("window", FLOAT32),
        ("rnn", FLOAT32),
        ("gru-shuffled-untied", FLOAT32),
        ("lstm", FLOAT32),
        ("transformer", FLOAT32),
    ],
)
def test_three_computations_agree(case: str, tolerance: float) -> None:
    (model, reference), documents = model_and_reference(case), texts(case)
    fast = evaluate(model, documents)
    stepped = score(log_probs_by_stepping(model, documents), documents)
    tokens = sum(map(len, documents))
    assert fast.tokens == tokens
    nats = -math.fsum(math.log(p) for document in documents for p in reference(document))
    assert fast.perplexity == pytest.approx(stepped.perplexity, rel=tolerance)
    assert fast.perplexity == pytest.approx(math.exp(nats / tokens), rel=tolerance)
