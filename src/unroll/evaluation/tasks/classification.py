"""Accuracy, F1, log loss and calibration of a classifier, with intervals, and the attention behind its predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.result import Evaluation
from unroll.evaluation.statistics import Floats, estimate
from unroll.evaluation.subject import Subject
from unroll.models.base.label_protocol import AttentiveClassifier, Classifier
from unroll.params.evaluate import Statistics
from unroll.text.streams import Ids

BINS = 10
"""The number of bins of equal width of the probability of the predicted class."""
SHOWN_TOKENS = 40
"""The maximum number of tokens of a document whose attention is shown."""
LABEL_NATS, LABEL_ERRORS = "label_nats", "label_errors"
"""The names of the arrays (D,) that classifiers are compared by: -log p(label | document), and 1 for a wrong class."""


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
    calibration_error: float
    """The expected calibration error (Guo, Pleiss, Sun and Weinberger 2017): the mean over documents of the difference
    between the accuracy and the mean confidence of their bin. The confidence is the probability of the predicted class.
    """
    classes: list[str]
    """The classes of the model, then the labels that it does not have."""
    confusion: NDArray[np.int64]
    """The number of documents by label (rows) and predicted class (columns), in the order of `classes`."""
    calibration: list[dict[str, float]]
    """For each bin of confidences with a document: the lower and the upper end, the number of documents, their mean
    confidence and their accuracy."""
    predicted: list[str]
    """The most probable class of each document."""
    nats: Floats
    """-log p(label | document) of each document (D,)."""
    errors: Floats
    """1 for each document whose most probable class is not its label, otherwise 0 (D,)."""


def measure(subject: Subject) -> Evaluation | None:
    """Measure a classifier, and tabulate its confusions. A document is the unit of the intervals."""
    model, data = subject.model, subject.data
    if not isinstance(model, Classifier):
        return None
    documents, labels = data.test.documents, data.labels["test"]
    scores = evaluate(model, documents, labels)
    statistics = by_document(subject.params.statistics)
    nats, errors = (estimate(values, statistics, subject.seed) for values in (scores.nats, scores.errors))
    metrics = {
        "test_documents": scores.documents,
        "classes": len(scores.classes),
        "accuracy": scores.accuracy,
        "accuracy_low": 1 - errors.high,
        "accuracy_high": 1 - errors.low,
        "macro_f1": scores.macro_f1,
        "log_loss": scores.log_loss,
        "log_loss_low": nats.low,
        "log_loss_high": nats.high,
        "calibration_error": scores.calibration_error,
        "vocabulary_size": data.vocabulary_size,
    }
    rows = zip(labels, scores.predicted, strict=True)
    samples = "true\tpredicted\n" + "".join(f"{label}\t{prediction}\n" for label, prediction in rows)
    diagnostics: dict[str, Any] = {
        "confusion": {"classes": scores.classes, "counts": scores.confusion},
        "calibration": scores.calibration,
    }
    if attention := _attention(subject, scores.predicted):
        diagnostics["attention"] = attention
    return Evaluation(metrics, samples, diagnostics, arrays={LABEL_NATS: scores.nats, LABEL_ERRORS: scores.errors})


def by_document(statistics: Statistics) -> Statistics:
    """Return the settings of intervals and tests with single documents as blocks: they are independent, tokens not."""
    return statistics.model_copy(update={"block": 1})


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
    errors = np.asarray([a != b for a, b in zip(predicted, labels, strict=True)], dtype=np.float64)
    calibration = _bin_confidences(np.exp(posteriors.max(1)), 1 - errors)
    return Scores(
        documents=len(documents),
        accuracy=float(accuracy_score(labels, predicted)),
        macro_f1=float(f1_score(labels, predicted, labels=classes, average="macro", zero_division=0)),
        log_loss=float(np.mean(nats)),
        calibration_error=sum(row["documents"] * abs(row["accuracy"] - row["confidence"]) for row in calibration)
        / len(documents),
        classes=classes,
        confusion=confusion_matrix(labels, predicted, labels=classes),
        calibration=calibration,
        predicted=predicted,
        nats=np.asarray(nats, dtype=np.float64),
        errors=errors,
    )


def _bin_confidences(confidences: Floats, right: Floats) -> list[dict[str, float]]:
    """Return the rows of `Scores.calibration` for the confidence and the success, 0 or 1, of each document (D,)."""
    bins = np.minimum((confidences * BINS).astype(np.int64), BINS - 1)
    return [
        {
            "first": number / BINS,
            "last": (number + 1) / BINS,
            "documents": int((inside := bins == number).sum()),
            "confidence": float(confidences[inside].mean()),
            "accuracy": float(right[inside].mean()),
        }
        for number in np.unique(bins).tolist()
    ]


def _attention(subject: Subject, predicted: Sequence[str]) -> list[dict[str, Any]]:
    """Return the attention of the first short documents of the test split; nothing for a model without attention."""
    model, documents = subject.model, subject.data.test.documents
    if not isinstance(model, AttentiveClassifier):
        return []
    rows = [row for row, document in enumerate(documents) if len(document) <= SHOWN_TOKENS][: subject.params.samples]
    if (found := model.attention_weights([documents[row] for row in rows])) is None:
        return []
    return [
        {
            "source": [subject.tokenizer.id_to_token(int(token)) for token in tokens],
            "target": [predicted[row]],
            "weights": np.round(weights.astype(np.float64), 4)[None],
        }
        for row, (tokens, weights) in zip(rows, found, strict=True)
    ]
