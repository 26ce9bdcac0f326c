"""How much context a model uses: its loss with a shorter context, with a partly shuffled one, and by position.

The method is that of Khandelwal et al. (2018), "Sharp nearby, fuzzy far away". A fixed random sample is drawn from the
test tokens with at least K tokens before them in their document. Each sampled token is predicted from the last k of
these, and from the last K with all but the last k in random order. A shorter context begins with `<bos>` for every
model.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from unroll.evaluation.generation import read_contexts
from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import LanguageModel, LogProbs
from unroll.params.evaluate import ContextAblation
from unroll.text.streams import Ids


def measure(subject: Subject) -> Evaluation | None:
    """Measure how much context a language model uses."""
    if not isinstance(subject.model, LanguageModel):
        return None
    documents, log_probs = subject.documents["test"], subject.log_probs["test"]
    result = ablate(subject.model, documents, log_probs, subject.params.context_ablation, subject.seed)
    return Evaluation(diagnostics={"context_ablation": result})


def ablate(
    model: LanguageModel[Any],
    documents: Sequence[Ids],
    log_probs: Sequence[LogProbs],
    params: ContextAblation,
    seed: int,
) -> dict[str, Any]:
    """Measure the loss with shortened and with shuffled contexts.

    Args:
        model: The language model.
        documents: The documents, with `<eos>`.
        log_probs: The log-probabilities of their tokens.
        params: The number of sampled tokens, and the numbers k of context tokens that are kept.
        seed: The random seed.

    Returns:
        `tokens`, the number of sampled tokens; `full`, the nats per token with the whole document as context; and `cut`
        and `shuffled`, a row for each k with the nats per token and the standard error of the difference from `full`.
        Empty if no token has enough context.
    """
    length = params.distances[-1]
    generator = np.random.default_rng([seed, 2])
    sampled = sample_positions(documents, length, params.tokens, generator)
    if not sampled:
        return {}
    contexts = np.stack([documents[d][p - length : p] for d, p in sampled]).astype(np.int64)  # (N, K)
    targets = np.array([documents[d][p] for d, p in sampled], dtype=np.int64)
    full = -np.array([log_probs[d][p] for d, p in sampled], dtype=np.float64)
    mixed = [_shuffle(contexts, k, generator) for k in params.distances[:-1]]
    shuffled = _nats(model, np.concatenate([*mixed, contexts]), np.tile(targets, len(params.distances)))
    cut = [_nats(model, contexts[:, length - k :], targets) for k in params.distances]
    return {
        "tokens": len(sampled),
        "full": float(full.mean()),
        "cut": [_row(k, nats, full) for k, nats in zip(params.distances, cut, strict=True)],
        "shuffled": [
            _row(k, nats, full)
            for k, nats in zip(params.distances, np.split(shuffled, len(params.distances)), strict=True)
        ],
    }


def sample_positions(
    documents: Sequence[Ids], length: int, count: int, generator: np.random.Generator
) -> list[tuple[int, int]]:
    """Sample tokens that have enough context.

    Args:
        documents: The documents.
        length: The minimum number of tokens before a sampled token in its document.
        count: The maximum number of tokens.
        generator: The random generator.

    Returns:
        The document and the position of each sampled token, in the order of the text.
    """
    positions = [(d, p) for d, document in enumerate(documents) for p in range(length, len(document))]
    return [positions[index] for index in np.sort(generator.permutation(len(positions))[:count])]


def _shuffle(contexts: Ids, kept: int, generator: np.random.Generator) -> Ids:
    """Return the contexts (N, K) with all but the last `kept` tokens of each row in random order."""
    far = generator.permuted(contexts[:, : contexts.shape[1] - kept], axis=1)
    return np.hstack([far, contexts[:, contexts.shape[1] - kept :]])


def _nats(model: LanguageModel[Any], contexts: Ids, targets: Ids) -> LogProbs:
    """Return -log p(target | <bos> context) of each row, (N,), for contexts (N, K) and targets (N,)."""
    log_probs = np.asarray(model.next_log_probs(read_contexts(model, contexts)), np.float64)
    return -log_probs[np.arange(len(targets)), targets]


def _row(distance: int, nats: LogProbs, full: LogProbs) -> dict[str, Any]:
    """Return the mean of the losses (N,), and the standard error of their difference from `full` (N,)."""
    with np.errstate(invalid="ignore"):  # both are infinite for a token that the model considers impossible
        change = nats - full
    error = float(change.std(ddof=1) / len(change) ** 0.5) if len(change) > 1 and np.isfinite(change).all() else 0.0
    return {"distance": distance, "nats": float(nats.mean()), "error": error}


def measure_position(subject: Subject) -> Evaluation | None:
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
