"""How far does a model really look? Its loss when the context is cut, or shuffled beyond some distance.

Khandelwal et al. 2018, "Sharp nearby, fuzzy far away". A fixed random sample of the test tokens that have at least
`reach` tokens before them in their document is predicted from the last k of these, and from the last `reach` with all
but the last k in random order. A cut context begins with `<bos>`, which is a small lie that all models are told.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from unroll.evaluation.evaluation import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import LanguageModel, LogProbs
from unroll.params.evaluate import ContextAblation
from unroll.text.streams import Ids


def ablate(
    model: LanguageModel[Any],
    documents: Sequence[Ids],
    log_probs: Sequence[LogProbs],
    params: ContextAblation,
    seed: int,
) -> dict[str, Any]:
    """Nats per sampled token: `full` with all of its document, `cut` and `shuffled` by distance, each also with
    the standard error of its difference from `full`. Empty when no token has enough context; `log_probs` are those of
    `documents`."""
    reach = params.distances[-1]
    generator = np.random.default_rng([seed, 2])
    drawn = sample(documents, reach, params.tokens, generator)
    if not drawn:
        return {}
    contexts = np.stack([documents[d][p - reach : p] for d, p in drawn]).astype(np.int64)  # (N, reach)
    targets = np.array([documents[d][p] for d, p in drawn], dtype=np.int64)
    full = -np.array([log_probs[d][p] for d, p in drawn], dtype=np.float64)
    mixed = [_shuffled(contexts, k, generator) for k in params.distances[:-1]]
    shuffled = _nats(model, np.concatenate([*mixed, contexts]), np.tile(targets, len(params.distances)))
    cut = [_nats(model, contexts[:, reach - k :], targets) for k in params.distances]
    return {
        "tokens": len(drawn),
        "full": float(full.mean()),
        "cut": [_row(k, nats, full) for k, nats in zip(params.distances, cut, strict=True)],
        "shuffled": [
            _row(k, nats, full)
            for k, nats in zip(params.distances, np.split(shuffled, len(params.distances)), strict=True)
        ],
    }


def sample(documents: Sequence[Ids], reach: int, count: int, generator: np.random.Generator) -> list[tuple[int, int]]:
    """At most `count` (document, position) of tokens that have at least `reach` before them, in order."""
    places = [(d, p) for d, document in enumerate(documents) for p in range(reach, len(document))]
    return [places[index] for index in np.sort(generator.permutation(len(places))[:count])]


def _shuffled(contexts: Ids, kept: int, generator: np.random.Generator) -> Ids:
    """All but the last `kept` tokens of each row in an order of its own."""
    far = generator.permuted(contexts[:, : contexts.shape[1] - kept], axis=1)
    return np.hstack([far, contexts[:, contexts.shape[1] - kept :]])


def _nats(model: LanguageModel[Any], contexts: Ids, targets: Ids) -> LogProbs:
    """-log p(target | <bos> context) of each row: (N, K) and (N,) to (N,)."""
    state = model.start(len(contexts))
    for tokens in contexts.T:
        state = model.advance(state, tokens)
    return -np.asarray(model.next_log_probs(state), np.float64)[np.arange(len(targets)), targets]


def _row(distance: int, nats: LogProbs, full: LogProbs) -> dict[str, Any]:
    change = nats - full
    error = float(change.std(ddof=1) / len(change) ** 0.5) if len(change) > 1 and np.isfinite(change).all() else 0.0
    return {"distance": distance, "nats": float(nats.mean()), "error": error}


def measure(subject: Subject) -> Evaluation | None:
    """Measure how much context a language model uses."""
    if not isinstance(subject.model, LanguageModel):
        return None
    documents, log_probs = subject.documents["test"], subject.log_probs["test"]
    found = ablate(subject.model, documents, log_probs, subject.params.context_ablation, subject.seed)
    return Evaluation(diagnostics={"context_ablation": found})
