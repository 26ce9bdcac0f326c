"""The loss by position in the document: how much a longer context helps."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import LogProbs


def measure(subject: Subject) -> Evaluation | None:
    """Measure the loss by position of a model that predicts tokens."""
    if not subject.predicts:
        return None
    return Evaluation(diagnostics={"position": loss_by_position(subject.log_probs["test"])})


def loss_by_position(log_probs: Sequence[LogProbs]) -> list[dict[str, Any]]:
    """Average the losses of positions 0, 1, 2 to 3, 4 to 7, ... of the documents.

    Args:
        log_probs: For each document, the log-probabilities of its tokens.

    Returns:
        A row for each group of positions: first, last, tokens and nats per token.
    """
    positions = np.concatenate([np.arange(len(scores)) for scores in log_probs])
    nats = -np.concatenate(log_probs).astype(np.float64)
    groups = np.where(positions, np.floor(np.log2(np.maximum(positions, 1))).astype(int) + 1, 0)
    return [
        {
            "first": int(2 ** (group - 1)) if group else 0,
            "last": int(2**group) - 1,
            "tokens": int((groups == group).sum()),
            "nats": float(nats[groups == group].mean()),
        }
        for group in np.unique(groups)
    ]
