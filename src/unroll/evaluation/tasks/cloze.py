"""The cloze task: the prediction of a token from its left and right context."""

from collections.abc import Sequence

import numpy as np

from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import ClozeModel
from unroll.text.streams import Ids
from unroll.training.perplexity import perplexity


def measure(subject: Subject) -> Evaluation | None:
    """Measure the prediction of tokens from both sides."""
    if not isinstance(subject.model, ClozeModel):
        return None
    return Evaluation(evaluate(subject.model, subject.documents["test"]))


def evaluate(model: ClozeModel, documents: Sequence[Ids]) -> dict[str, float]:
    """Predict each token of each document from all its other tokens.

    Args:
        model: The model.
        documents: The documents, with `<eos>`, which is not predicted.

    Returns:
        `cloze_accuracy`, how often the most probable token is the right one, and `cloze_perplexity`; empty if there is
        no token to predict.
    """
    texts = [document[:-1] for document in documents if len(document) > 1]
    if not texts:
        return {}
    log_probs, predictions = model.cloze_log_probs(texts)
    correct = np.concatenate(predictions) == np.concatenate(texts)
    nats = -np.concatenate(log_probs).astype(np.float64).mean()
    return {"cloze_accuracy": float(correct.mean()), "cloze_perplexity": perplexity(float(nats))}
