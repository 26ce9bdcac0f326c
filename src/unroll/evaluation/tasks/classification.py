"""How well posteriors of classes agree with the true labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import Classifier
from unroll.text.streams import Ids


@dataclass(frozen=True)
class Scores:
    documents: int
    accuracy: float
    macro_f1: float
    """Mean over all classes, of the model or of the labels, of F1 = 2 precision recall / (precision + recall); a class
    neither true nor predicted anywhere has F1 of nought."""
    log_loss: float
    """Mean of -log p(true class | document), nats; infinite when one is impossible, as a class that training lacks."""
    classes: list[str]
    confusion: NDArray[np.int64]
    """Documents by true class (rows) and predicted class (columns), in the order of `classes`."""


def evaluate(model: Classifier, documents: Sequence[Ids], labels: Sequence[str]) -> Scores:
    """Scores of a classifier on labelled documents, of which there is at least one."""
    # scikit-learn costs a second of import: only the evaluation of classifiers pays it.
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

    posteriors = model.log_posteriors(documents)
    predicted = [model.classes[c] for c in posteriors.argmax(1)]
    classes = [*model.classes, *sorted(set(labels) - set(model.classes))]
    column = {label: c for c, label in enumerate(model.classes)}
    # By hand: scikit-learn's log_loss clips probabilities, which makes the impossible merely unlikely.
    nats = [-posteriors[d, column[label]] if label in column else np.inf for d, label in enumerate(labels)]
    return Scores(
        documents=len(documents),
        accuracy=float(accuracy_score(labels, predicted)),
        macro_f1=float(f1_score(labels, predicted, labels=classes, average="macro", zero_division=0)),
        log_loss=float(np.mean(nats)),
        classes=classes,
        confusion=confusion_matrix(labels, predicted, labels=classes),
    )


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
    samples = "true\tpredicted\n" + "".join(f"{label}\t{answer}\n" for label, answer in rows)
    return Evaluation(metrics, samples, {"confusion": {"classes": scores.classes, "counts": scores.confusion}})
