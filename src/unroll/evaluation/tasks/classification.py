"""Accuracy, F1 and log loss of a classifier."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import Classifier
from unroll.text.streams import Ids


@dataclass(frozen=True)
class Scores:
    """The scores of a classifier on labelled documents."""

    documents: int
    """The number of documents."""
    accuracy: float
    """The share of documents whose most probable class is their label."""
    macro_f1: float
    """The mean of F1 = 2 precision recall / (precision + recall) over all classes of the model and of the labels. A
    class that is neither a label nor predicted has F1 0."""
    log_loss: float
    """The mean of -log p(label | document) in nats. It is infinite if the model gives a label probability 0, for
    example because the train split does not contain it."""
    classes: list[str]
    """The classes of the model, then the labels that it does not have."""
    confusion: NDArray[np.int64]
    """The number of documents by label (rows) and predicted class (columns), in the order of `classes`."""


def measure(subject: Subject) -> Evaluation | None:
    """Measure the accuracy of a classifier, and tabulate its confusions."""
    model, data = subject.model, subject.data
    if not isinstance(model, Classifier):
        return None
    documents, labels = data.test.documents, data.labels["test"]
    scores = evaluate(model, documents, labels)
    metrics = {
        "test_documents": scores.documents,
        "classes": len(scores.classes),
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
        "log_loss": scores.log_loss,
        "vocabulary_size": data.vocabulary_size,
    }
    predicted = (model.classes[column] for column in model.log_posteriors(documents).argmax(1))
    rows = zip(labels, predicted, strict=True)
    samples = "true\tpredicted\n" + "".join(f"{label}\t{prediction}\n" for label, prediction in rows)
    return Evaluation(metrics, samples, {"confusion": {"classes": scores.classes, "counts": scores.confusion}})


def evaluate(model: Classifier, documents: Sequence[Ids], labels: Sequence[str]) -> Scores:
    """Score a classifier.

    Args:
        model: The classifier.
        documents: The documents, at least one.
        labels: The label of each document.

    Returns:
        The scores.
    """
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score  # slow to import, and used only here

    posteriors = model.log_posteriors(documents)
    predicted = [model.classes[c] for c in posteriors.argmax(1)]
    classes = [*model.classes, *sorted(set(labels) - set(model.classes))]
    column = {label: c for c, label in enumerate(model.classes)}
    # The log_loss of scikit-learn clips probabilities, so that probability 0 does not give infinity.
    nats = [-posteriors[d, column[label]] if label in column else np.inf for d, label in enumerate(labels)]
    return Scores(
        documents=len(documents),
        accuracy=float(accuracy_score(labels, predicted)),
        macro_f1=float(f1_score(labels, predicted, labels=classes, average="macro", zero_division=0)),
        log_loss=float(np.mean(nats)),
        classes=classes,
        confusion=confusion_matrix(labels, predicted, labels=classes),
    )
