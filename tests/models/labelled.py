"""Toy labelled data, and settings of every family of classifiers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from tests import toy
from unroll import models
from unroll.models.base.inputs import Inputs
from unroll.models.generative_classifier.params import GenerativeClassifierParams
from unroll.params.experiments import ModelParams
from unroll.text.streams import Data, Ids, stream_of

BAG = {"family": "bag_of_embeddings", "tokenizer": "toy", "embedding_size": 8, "dropout": 0.1, "training": toy.TRAINING}
NETWORK = {
    "family": "recurrent_classifier",
    "tokenizer": "toy",
    "cell": "gru",
    "embedding_size": 8,
    "hidden_size": 8,
    "layers": 1,
    "bidirectional": False,
    "pooling": "last",
    "dropout": toy.DROPOUT,
    "max_tokens": 50,
    "training": toy.TRAINING,
}
NAIVE_BAYES = {"family": "naive_bayes", "tokenizer": "toy", "order": 2, "pseudo_count": 0.5, "priors": "empirical"}
UNIGRAM = {"family": "ngram", "tokenizer": "toy", "order": 1, "smoothing": {"kind": "add_k", "k": 0.5}, "prune": [0]}
LANGUAGE_MODEL = {
    "family": "recurrent",
    "tokenizer": "toy",
    "cell": "rnn",
    "embedding_size": 8,
    "hidden_size": 8,
    "layers": 1,
    "tie_weights": True,
    "batching": "shuffled",
    "softmax": toy.SOFTMAX,
    "training": toy.TRAINING | {"epochs": 1},
} | toy.RECURRENT
DROPOUTS = toy.DROPOUT | {"embedding": 0.1, "weight_drop": 0.2, "variational": True}
CASES: dict[str, dict[str, Any]] = {
    "naive_bayes": NAIVE_BAYES,
    "per_class-unigram": {"family": "generative_classifier", "tokenizer": "toy", "priors": "uniform"}
    | {"member": UNIGRAM},
    "per_class-rnn": {"family": "generative_classifier", "tokenizer": "toy", "priors": "empirical"}
    | {"member": LANGUAGE_MODEL},
    "bag_of_embeddings": BAG,
    "gru-last": NETWORK,
    "rnn-mean": NETWORK | {"cell": "rnn", "pooling": "mean"},
    "lstm-attention": NETWORK | {"cell": "lstm", "pooling": "attention"},
    "lstm-both-last": NETWORK | {"cell": "lstm", "bidirectional": True, "layers": 2, "dropout": DROPOUTS},
    "mingru-both-mean": NETWORK | {"cell": "mingru", "bidirectional": True, "pooling": "mean"},
    "gru-both-attention": NETWORK | {"bidirectional": True, "pooling": "attention", "layers": 2},
    "minlstm-cut": NETWORK | {"cell": "minlstm", "max_tokens": 3},
}
"""Settings of every family and of every option of the networks."""
NETWORKS = [name for name, case in CASES.items() if "training" in case]
"""The cases that train a network on the labels."""


def labelled(documents: Mapping[str, list[Ids]], labels: dict[str, list[str]], seed: int = 1) -> Data:
    """Return a partition of these documents, without `<eos>`, and labels by split."""
    streams = {split: {"text": stream_of(texts, toy.VOCABULARY_SIZE)} for split, texts in documents.items()}
    return Data("toy", toy.VOCABULARY_SIZE, 7, seed, streams, labels=labels)


def data(seed: int = 1) -> Data:
    """Texts of low, of high and of all words, so that their class is mostly known from their words."""
    documents: dict[str, list[Ids]] = {}
    labels: dict[str, list[str]] = {}
    low: Callable[[Ids], Ids] = lambda text: np.where(text >= 10, text - 6, text)  # noqa: E731
    high: Callable[[Ids], Ids] = lambda text: np.where((text >= 4) & (text < 10), text + 6, text)  # noqa: E731
    change = {"low": low, "high": high, "all": lambda text: text}
    for index, (split, count) in enumerate({"train": 150, "valid": 45, "test": 60}.items()):
        labels[split] = [list(change)[number % 3] for number in range(count)]
        texts = toy.documents(count, 100 * seed + index)
        documents[split] = [change[label](text) for text, label in zip(texts, labels[split], strict=True)]
    return labelled(documents, labels, seed)


def train(settings: Mapping[str, Any], of: Data) -> Any:
    """Train a classifier with these settings."""
    schema: Any = GenerativeClassifierParams if settings["family"] == "generative_classifier" else ModelParams
    params = TypeAdapter(schema).validate_python(settings)
    return models.family(params.family).fit(params, of, Inputs(), lambda *_, **__: None)
