"""Filling in a blank from both sides."""

from collections.abc import Sequence

import numpy as np

from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.perplexity import exp
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import ClozeModel
from unroll.text.streams import Ids


def evaluate(model: ClozeModel, documents: Sequence[Ids]) -> dict[str, float]:
    """Each word of each document in turn is the blank: how often the likeliest word is the right one, and the
    perplexity of the right one. `documents` come with their `<eos>`, which is no blank."""
    texts = [document[:-1] for document in documents if len(document) > 1]
    log_probs, guesses = model.cloze_log_probs(texts)
    right = np.concatenate(guesses) == np.concatenate(texts)
    nats = -np.concatenate(log_probs).astype(np.float64).mean()
    return {"cloze_accuracy": float(right.mean()), "cloze_perplexity": exp(float(nats))}


def measure(subject: Subject) -> Evaluation | None:
    """Measure the predictions of tokens from both sides."""
    if not isinstance(subject.model, ClozeModel):
        return None
    return Evaluation(evaluate(subject.model, subject.documents["test"]))
