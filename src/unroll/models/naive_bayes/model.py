"""Multinomial naive Bayes (McCallum and Nigam 1998): p(c | document) ∝ p(c) prod_f p(f | c)^count(f).

The features f of a document are its tokens and, with order 2, its pairs of neighbours. `<eos>` is none. A feature that
training lacks is ignored, one that a class lacks has its pseudo-count: p(f | c) = (n(c, f) + a) / (n(c) + a F).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.naive_bayes.params import NaiveBayesParams
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import UNK

Keys = NDArray[np.int64]


class Model:
    def __init__(
        self,
        params: NaiveBayesParams,
        classes: list[str],
        vocabulary_size: int,
        features: Keys,
        log_priors: LogProbs,
        log_likelihoods: LogProbs,
    ) -> None:
        """Features known (F,), as sorted keys; log p(c) (C,) and log p(f | c) (C, F)."""
        self.params, self.classes, self.vocabulary_size = params, classes, vocabulary_size
        self.features, self.log_priors, self.log_likelihoods = features, log_priors, log_likelihoods

    def log_posteriors(self, documents: Sequence[Ids]) -> LogProbs:
        keys, owners = features_of(documents, self.vocabulary_size, self.params.order)
        known, at = _find(keys, self.features)
        owners = owners[known]
        joint = np.stack([np.bincount(owners, row[at], len(documents)) for row in self.log_likelihoods], axis=1)
        return normalised(joint + self.log_priors)

    def save(self, path: Path) -> None:
        others = {"classes": self.classes, "vocabulary_size": self.vocabulary_size}
        weights = {
            "features": self.features,
            "log_priors": self.log_priors,
            "log_likelihoods": self.log_likelihoods,
        }
        storage.write(path, {"params": self.params.model_dump(), **others}, weights)


def load(path: Path) -> Model:
    saved = storage.read_params(path)
    params = NaiveBayesParams.model_validate(saved["params"])
    return Model(params, saved["classes"], saved["vocabulary_size"], **storage.read_weights(path))


def fit(params: NaiveBayesParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Count the features of every class of the train split.

    Args:
        params: The settings.
        data: The partition of a labelled corpus.
        inputs: Not used.
        log: Not used, since counting takes a single pass.

    Returns:
        The classifier.

    Raises:
        UnrollError: The corpus has no labels.
    """
    classes, labels = classes_of(data)
    keys, owners = features_of(data.train.documents, data.vocabulary_size, params.order)
    features, at = np.unique(keys, return_inverse=True)
    cells = labels[owners] * len(features) + at
    counts = np.bincount(cells, minlength=len(classes) * len(features)).reshape(len(classes), -1) + params.pseudo_count
    likelihoods = np.log(counts) - np.log(counts.sum(1, keepdims=True))
    return Model(
        params, classes, data.vocabulary_size, features, log_priors(labels, len(classes), params.priors), likelihoods
    )


def features_of(documents: Sequence[Ids], vocabulary_size: int, order: int) -> tuple[Keys, NDArray[np.int64]]:
    """The key of every feature in the documents, and which document it is in. A token's key is its id, a pair's
    (first + 1) vocabulary_size + second."""
    owners = np.repeat(np.arange(len(documents)), [len(document) for document in documents])
    tokens = np.concatenate([np.empty(0, np.int64), *documents])
    owners, tokens = owners[tokens >= UNK], tokens[tokens >= UNK]
    if order == 1:
        return tokens, owners
    together = owners[:-1] == owners[1:]
    pairs = (tokens[:-1] + 1) * vocabulary_size + tokens[1:]
    return np.concatenate([tokens, pairs[together]]), np.concatenate([owners, owners[:-1][together]])


def classes_of(data: Data) -> tuple[list[str], NDArray[np.int64]]:
    """The classes of the train split, sorted, and the index of each document's."""
    if "train" not in data.labels:
        raise UnrollError(
            f"tokenizers.{data.name}: its corpus has no labels to learn; choose a tokenizer of a labelled corpus"
        )
    classes, indices = np.unique(np.asarray(data.labels["train"], dtype=np.str_), return_inverse=True)
    return classes.tolist(), indices


def log_priors(labels: NDArray[np.int64], classes: int, priors: str) -> LogProbs:
    """log p(c), (C,): the classes' shares of `labels` or, `uniform`, all the same."""
    counts = np.bincount(labels, minlength=classes) if priors == "empirical" else np.ones(classes)
    return np.log(counts / counts.sum())


def normalised(joint: LogProbs) -> LogProbs:
    """log p(c | document) from log p(c, document), (D, C)."""
    return joint - np.logaddexp.reduce(joint, axis=1, keepdims=True)


def _find(keys: Keys, known: Keys) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which of the keys are among the sorted `known`, and where those are."""
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found = known[at] == keys
    return found, at[found]
