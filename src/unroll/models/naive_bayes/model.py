"""Multinomial naive Bayes (McCallum and Nigam 1998): p(c | document) ∝ p(c) prod_f p(f | c)^count(f).

The features f of a document are its tokens and, with order 2, its pairs of neighbouring tokens. `<eos>` is not a
feature. A feature that the train split lacks is ignored. The others have p(f | c) = (n(c, f) + a) / (n(c) + a F), where
a is the pseudo-count and F the number of features.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unroll.models.base import storage
from unroll.models.base.classification import compute_log_priors, count_priors, index_labels, normalize
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.naive_bayes.params import NaiveBayesParams
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import UNK

Keys = NDArray[np.int64]
"""The key of a token is its id, and the key of a pair is (first + 1) * vocabulary_size + second."""


class Model:
    """A naive Bayes classifier. It satisfies Classifier."""

    fitted_on_valid: tuple[str, ...] = ()

    def __init__(
        self,
        params: NaiveBayesParams,
        classes: list[str],
        vocabulary_size: int,
        features: Keys,
        log_priors: LogProbs,
        log_likelihoods: LogProbs,
    ) -> None:
        """Set the parameters.

        Args:
            params: The settings.
            classes: The labels (C,), sorted.
            vocabulary_size: The size of the vocabulary.
            features: The sorted keys (F,) of the features of the train split.
            log_priors: log p(c), (C,).
            log_likelihoods: log p(f | c), (C, F).
        """
        self.params, self.classes, self.vocabulary_size = params, classes, vocabulary_size
        self.features, self.log_priors, self.log_likelihoods = features, log_priors, log_likelihoods

    @property
    def parameters(self) -> int:
        """C (F - 1) for C classes and F features, and C - 1 for the priors, which uniform priors do not have."""
        classes = len(self.classes)
        return classes * (len(self.features) - 1) + count_priors(self.params.priors, classes)

    def log_posteriors(self, documents: Sequence[Ids]) -> LogProbs:
        """Return log p(class | document), (D, C)."""
        keys, owners = extract_features(documents, self.vocabulary_size, self.params.order)
        found, at = _find(keys, self.features)
        owners = owners[found]
        joint = np.stack([np.bincount(owners, row[at], len(documents)) for row in self.log_likelihoods], axis=1)
        return normalize(joint + self.log_priors)

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`."""
        others = {"classes": self.classes, "vocabulary_size": self.vocabulary_size}
        weights = {
            "features": self.features,
            "log_priors": self.log_priors,
            "log_likelihoods": self.log_likelihoods,
        }
        storage.write(path, {"params": self.params.model_dump(), **others}, weights)


def load(path: Path) -> Model:
    """Load the model that `Model.save` wrote into the folder `path`."""
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
    classes, labels = index_labels(data)
    keys, owners = extract_features(data.train.documents, data.vocabulary_size, params.order)
    features, at = np.unique(keys, return_inverse=True)
    cells = labels[owners] * len(features) + at
    counts = np.bincount(cells, minlength=len(classes) * len(features)).reshape(len(classes), -1) + params.pseudo_count
    likelihoods = np.log(counts) - np.log(counts.sum(1, keepdims=True))
    priors = compute_log_priors(labels, len(classes), params.priors)
    return Model(params, classes, data.vocabulary_size, features, priors, likelihoods)


def extract_features(documents: Sequence[Ids], vocabulary_size: int, order: int) -> tuple[Keys, NDArray[np.int64]]:
    """Find all features of documents.

    Args:
        documents: Arrays of token ids.
        vocabulary_size: The size of the vocabulary.
        order: 1 for tokens, 2 for tokens and pairs of neighbours.

    Returns:
        The key of every occurrence of a feature, and the index of its document.
    """
    owners = np.repeat(np.arange(len(documents)), [len(document) for document in documents])
    tokens = np.concatenate([np.empty(0, np.int64), *documents])
    owners, tokens = owners[tokens >= UNK], tokens[tokens >= UNK]
    if order == 1:
        return tokens, owners
    same_document = owners[:-1] == owners[1:]
    pairs = (tokens[:-1] + 1) * vocabulary_size + tokens[1:]
    return np.concatenate([tokens, pairs[same_document]]), np.concatenate([owners, owners[:-1][same_document]])


def _find(keys: Keys, features: Keys) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Return which of the keys are among the sorted `features`, and the positions of these."""
    at = np.minimum(np.searchsorted(features, keys), len(features) - 1)
    found = features[at] == keys
    return found, at[found]
