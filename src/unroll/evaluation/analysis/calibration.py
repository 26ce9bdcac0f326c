"""The entropy of the predictions of a language model beside its loss.

The entropy H_t = -sum_w p(w | x_1..x_t) log p(w | x_1..x_t) is the loss that the model expects at position t, and
exp(H_t), or 2 to the power of H_t in bits, the number of words among which it is undecided. It does not depend on the
next token: it says how certain a model is, not whether it is right. The loss -log p(x_{t+1} | x_1..x_t) equals H_t on
average if the model is calibrated. If the loss is larger, the model is too certain (Braverman et al. 2020,
"Calibration, entropy rates, and memory in language models").
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import LanguageModel
from unroll.text.streams import Ids

GROUPS = 10
"""The number of groups of predictions by their entropy, of equal size."""
ELEMENTS = 1 << 22
"""The number of probabilities that are computed together. It bounds memory and changes no result."""


def measure(subject: Subject) -> Evaluation | None:
    """Measure the entropy and the loss of the predictions at the beginning of some test documents.

    The number of documents and of tokens of each are those of `context_ablation`.
    """
    if not isinstance(subject.model, LanguageModel):
        return None
    params = subject.params.context_ablation
    parts = [document[: params.distances[-1]] for document in subject.documents["test"][: params.tokens]]
    return Evaluation(diagnostics={"calibration": calibrate(*predict(subject.model, parts))})


def predict(model: LanguageModel[Any], documents: Sequence[Ids]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the entropy of every prediction of documents, and its loss.

    Args:
        model: The language model.
        documents: The documents.

    Returns:
        The entropies and the losses in nats, of all tokens in an order that depends on the lengths of the documents.
    """
    order = sorted(range(len(documents)), key=lambda row: -len(documents[row]))
    rows = max(1, ELEMENTS // model.vocabulary_size)
    entropies, losses = [np.empty(0)], [np.empty(0)]
    for first in range(0, len(order), rows):
        batch = [documents[row] for row in order[first : first + rows]]  # the longest first
        state = model.start(len(batch))
        for position in range(len(batch[0])):
            active = sum(len(document) > position for document in batch)
            if active < len(batch):
                batch, state = batch[:active], model.select(state, np.arange(active))
            tokens = np.asarray([document[position] for document in batch])
            log_probs = np.asarray(model.next_log_probs(state), np.float64)
            entropies.append(entropy(log_probs))
            losses.append(-log_probs[np.arange(active), tokens])
            state = model.advance(state, tokens)
    return np.concatenate(entropies), np.concatenate(losses)


def entropy(log_probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy (B,) in nats of distributions (B, V), given by their log-probabilities. 0 log 0 is 0."""
    return -(np.exp(log_probs) * np.where(np.isneginf(log_probs), 0.0, log_probs)).sum(1)


def calibrate(entropies: NDArray[np.float64], losses: NDArray[np.float64]) -> dict[str, Any]:
    """Compare the entropy of predictions with their loss.

    Args:
        entropies: The entropies in nats.
        losses: The losses of the same predictions in nats.

    Returns:
        `predictions`, their number; the mean `entropy` and the mean loss `nats`; and `groups`, a row for each group of
        predictions by their entropy, with the same means and the standard error of the difference. Empty if there are
        no predictions.
    """
    if not len(entropies):
        return {}
    order = np.argsort(entropies, kind="stable")
    return _means(entropies, losses) | {
        "groups": [_means(entropies[rows], losses[rows]) for rows in np.array_split(order, GROUPS) if len(rows)]
    }


def _means(entropies: NDArray[np.float64], losses: NDArray[np.float64]) -> dict[str, Any]:
    count, difference = len(losses), losses - entropies
    error = float(difference.std(ddof=1) / count**0.5) if count > 1 and np.isfinite(losses).all() else 0.0
    return {"predictions": count, "entropy": float(entropies.mean()), "nats": float(losses.mean()), "error": error}
