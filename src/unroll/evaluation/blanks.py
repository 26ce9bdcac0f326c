"""Filling in a blank from both sides."""

from collections.abc import Sequence

import numpy as np

from unroll.evaluation.perplexity import exp
from unroll.models.protocol import FillsBlanks
from unroll.partition import Ids


def evaluate(model: FillsBlanks, documents: Sequence[Ids]) -> dict[str, float]:
    """Each word of each document in turn is the blank: how often the likeliest word is the right one, and the
    perplexity of the right one. `documents` come with their `<eos>`, which is no blank."""
    texts = [document[:-1] for document in documents if len(document) > 1]
    log_probs, guesses = model.blanks(texts)
    right = np.concatenate(guesses) == np.concatenate(texts)
    nats = -np.concatenate(log_probs).astype(np.float64).mean()
    return {"blank_accuracy": float(right.mean()), "blank_perplexity": exp(float(nats))}
