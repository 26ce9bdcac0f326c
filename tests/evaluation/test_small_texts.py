"""Every measure of every family on texts of empty documents, of one document and of one token."""

import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import toy
from tests.evaluation.subjects import COUNTS, data, subject
from tests.evaluation.test_evaluate import ENABLED, naive_bayes
from tests.models import test_contract
from tests.models.test_masked_transformer import train as train_masked
from tests.models.test_naive_bayes import classifier_params
from tests.models.test_word_vectors import train as train_vectors
from unroll.evaluation.evaluate import evaluate
from unroll.models import family
from unroll.models.base.inputs import Inputs
from unroll.models.mixture.params import MixtureParams
from unroll.text.streams import Data, stream_of

MODELS = (
    *("trigram-add-k", "trigram-interpolated", "kneser5", "hmm", "cache", "lstm", "bidirectional", "window"),
    *("transformer", "rnn-adaptive", "rnn-sampled", "seq2seq", "seq2seq-dot", "seq2seq-fed"),
    *("naive_bayes", "generative_classifier", "mixture", "word2vec", "masked_transformer"),
)
TEXTS: dict[str, list[list[int]]] = {
    "one empty document": [[]],
    "empty documents": [[], [], []],
    "one token": [[5]],
    "one unknown token": [[3]],
    "one document": [[5, 6, 7, 8]],
    "one token between empty documents": [[], [5], []],
}


@cache
def trained(name: str) -> Any:
    inputs = Inputs(trained={"first": None, "second": None})
    if name == "naive_bayes":
        return naive_bayes()
    if name == "generative_classifier":
        return family(name).fit(classifier_params(), data(), inputs, lambda *_, **__: None)
    if name == "word2vec":
        return train_vectors()
    if name == "masked_transformer":
        return train_masked()
    if name == "mixture":
        params = MixtureParams(
            family="mixture", tokenizer="toy", first="first", second="second", iterations=3, tolerance=0
        )
        inputs = Inputs(trained={"first": trained("kneser5"), "second": trained("lstm")})
        return family("mixture").fit(params, data(), inputs, lambda *_, **__: None)
    return test_contract.train(name)


def small(name: str, documents: list[list[int]]) -> Data:
    """Data whose valid and test splits have only these documents."""
    whole = data(name.startswith("seq2seq"))
    stream = stream_of([np.asarray(document, dtype=np.int64) for document in documents], toy.VOCABULARY_SIZE)
    sides = whole.streams["test"]
    streams = whole.streams | {split: dict.fromkeys(sides, stream) for split in ("valid", "test")}
    size = sum(map(len, documents))
    counts = {"test": dict.fromkeys(sides, COUNTS | {"bytes": size, "characters": size, "documents": len(documents)})}
    labels = {split: ["b"] * len(documents) for split in ("valid", "test")} if whole.labels else {}
    return replace(whole, streams=streams, counts=counts, labels=whole.labels | labels)


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", MODELS)
def test_every_measure_is_made(name: str, text: str, tmp_path: Path) -> None:
    whole = data(name.startswith("seq2seq"))
    expected = evaluate(subject(trained(name), whole, sampled=True, **ENABLED))
    found = evaluate(subject(trained(name), small(name, TEXTS[text]), sampled=True, **ENABLED))
    undefined = set() if any(TEXTS[text]) else {"cloze_accuracy", "cloze_perplexity", "test_coverage"}
    assert set(found.metrics) == set(expected.metrics) - undefined
    json.dumps(found.write(tmp_path / "evaluation"), allow_nan=False)
    numbers = {key: value for key, value in found.metrics.items() if isinstance(value, float)}
    assert not [key for key, value in numbers.items() if math.isnan(value)]
    evaluate(subject(trained(name), small(name, TEXTS[text]), **ENABLED))
