"""k-fold cross-validation of a classifier (Stone 1974): k trainings, each scored on documents that it has not seen.

The documents of all splits are divided into k folds. Fold i is the test split of training i, the next fold is its valid
split, and the others are its train split, for all families, so that all of them learn from the same documents. The
vocabulary stays that of the train split of the corpus: it depends on the texts of other folds, but on no label.
"""

from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll import models
from unroll.errors import UnrollError
from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.evaluation.tasks import classification
from unroll.models.base.inputs import Inputs
from unroll.models.base.label_protocol import Classifier
from unroll.params.training import ranks_of
from unroll.text.streams import SPLITS, Data, Ids, stream_of

MEASURES = ("accuracy", "macro_f1", "log_loss")
"""The scores whose mean and standard deviation over the folds are reported."""


def measure(subject: Subject) -> Evaluation | None:
    """Train a classifier again on each of `evaluate.folds` parts of its corpus; 0 omits the measure."""
    model, folds = subject.model, subject.params.folds
    if not isinstance(model, Classifier) or not folds:
        return None
    params: Any = model.params  # type: ignore[attr-defined]
    if (ranks := ranks_of(params)) > 1:
        raise UnrollError(
            f"evaluate.folds: cross-validation trains in one process, but training.ranks is {ranks}; set it to 1, or "
            "evaluate.folds to 0"
        )
    fit, rows = models.family(params.family).fit, []
    for fold, data in enumerate(divide(subject.data, folds)):
        trained = fit(params, data, Inputs(), lambda *_, **__: None)
        scores = classification.evaluate(trained, data.test.documents, data.labels["test"])
        rows.append({"fold": fold, "documents": scores.documents} | {name: getattr(scores, name) for name in MEASURES})
    columns = {name: np.asarray([row[name] for row in rows]) for name in MEASURES}
    metrics: dict[str, Any] = {"folds": folds, "by_fold": rows}
    for name, values in columns.items():
        metrics[f"fold_{name}"] = float(values.mean())
        metrics[f"fold_{name}_deviation"] = float(values.std(ddof=1)) if np.isfinite(values).all() else np.nan
    return Evaluation(metrics)


def divide(data: Data, folds: int) -> list[Data]:
    """Divide the documents of all splits into folds.

    Args:
        data: The partition of a labelled corpus.
        folds: The number of folds k, at least 3.

    Returns:
        For each fold the data of its training.

    Raises:
        UnrollError: There are fewer different documents than folds.
    """
    documents = [document[:-1] for split in SPLITS for document in data.streams[split]["text"].documents]
    labels = [label for split in SPLITS for label in data.labels[split]]
    owners = assign(documents, folds, data.seed)
    parts = []
    for fold in range(folds):
        chosen = {"test": owners == fold, "valid": owners == (fold + 1) % folds}
        chosen = {"train": ~(chosen["test"] | chosen["valid"])} | chosen
        rows = {split: np.flatnonzero(mask) for split, mask in chosen.items()}
        streams = {
            split: {"text": stream_of([documents[row] for row in rows[split]], data.vocabulary_size)} for split in rows
        }
        part = replace(data, streams=streams, labels={split: [labels[row] for row in rows[split]] for split in rows})
        parts.append(part)
    return parts


def assign(documents: list[Ids], folds: int, seed: int) -> NDArray[np.int64]:
    """Assign documents to folds of equal numbers of different documents.

    The different documents are ordered by a hash of the seed and their tokens, so the folds depend on nothing else, and
    documents with equal tokens are in the same fold.

    Args:
        documents: Arrays of token ids.
        folds: The number of folds k.
        seed: The random seed.

    Returns:
        The fold of each document (D,), from 0 to k - 1.

    Raises:
        UnrollError: There are fewer different documents than folds.
    """
    keys = [_hash(document, seed) for document in documents]
    ranks = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    if len(ranks) < folds:
        raise UnrollError(
            f"evaluate.folds: {len(ranks)} different documents cannot be divided into {folds} folds; lower it to "
            f"{len(ranks)} or less, or provide more text"
        )
    return np.asarray([ranks[key] % folds for key in keys], dtype=np.int64)


def _hash(document: Ids, seed: int) -> bytes:
    """Return a hash that does not depend on the integer type of the document."""
    return blake2b(np.asarray(document, dtype="<i8").tobytes(), digest_size=16, key=seed.to_bytes(4, "little")).digest()
