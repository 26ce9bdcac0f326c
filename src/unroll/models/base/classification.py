"""Classes, priors and posteriors, for all families of classifiers."""

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.models.base.protocol import LogProbs
from unroll.text.streams import Data


def index_labels(data: Data) -> tuple[list[str], NDArray[np.int64]]:
    """Assign an index to each class of a labelled corpus.

    Args:
        data: The partition.

    Returns:
        The classes of the train split, sorted, and the index of the class of each of its documents.

    Raises:
        UnrollError: The corpus has no labels.
    """
    if "train" not in data.labels:
        raise UnrollError(
            f"tokenizers.{data.name}: its corpus has no labels to learn; choose a tokenizer of a labelled corpus"
        )
    classes, indices = np.unique(np.asarray(data.labels["train"], dtype=np.str_), return_inverse=True)
    return classes.tolist(), indices


def compute_log_priors(labels: NDArray[np.int64], classes: int, priors: str) -> LogProbs:
    """Compute log p(c).

    Args:
        labels: The index of the class of each document.
        classes: The number of classes C.
        priors: `empirical` for the shares of the classes among the labels, or `uniform`.

    Returns:
        The logarithms (C,).
    """
    counts = np.bincount(labels, minlength=classes) if priors == "empirical" else np.ones(classes)
    return np.log(counts / counts.sum())


def count_priors(priors: str, classes: int) -> int:
    """Return the number of free parameters of the priors of `classes` classes: uniform priors have none."""
    return classes - 1 if priors == "empirical" else 0


def normalize(joint: LogProbs) -> LogProbs:
    """Return log p(c | document), given log p(c, document), both (D, C)."""
    return joint - np.logaddexp.reduce(joint, axis=1, keepdims=True)
