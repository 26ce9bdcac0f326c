"""Attention of recurrent networks to their past: its map for some texts, and how far back it reaches.

Daniluk, Rocktäschel, Welbl and Riedel (2017) found that such a network attends mostly to its most recent states. The
reach is the mean weight by distance, over the predictions that have a state at this distance.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.evaluation.result import Evaluation
from unroll.evaluation.subject import Subject
from unroll.models.base.protocol import PastAttentionModel
from unroll.text.streams import Ids
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.vocabulary import BOS

SHOWN = 40
"""The maximum number of tokens of a map."""


def measure(subject: Subject) -> Evaluation | None:
    """Map the attention of a model to its past for some test documents, and measure its reach.

    The number of documents and the distances are those of `context_ablation`.
    """
    model = subject.model
    if not isinstance(model, PastAttentionModel):
        return None
    params = subject.params.context_ablation
    parts = [document[: params.distances[-1] + 1] for document in subject.documents["test"][: params.tokens]]
    weights = [row for part in parts if (row := model.past_attention(part)) is not None]
    if not weights:
        return None
    shown = zip(parts[: subject.params.samples], weights, strict=False)
    maps = [_map(part[:SHOWN], rows[:SHOWN, :SHOWN], subject.tokenizer) for part, rows in shown]
    return Evaluation(diagnostics={"attention": maps, "attention_reach": reach(weights, params.distances)})


def reach(weights: Sequence[NDArray[np.floating]], distances: Sequence[int]) -> list[dict[str, Any]]:
    """Compute the mean attention by distance.

    Args:
        weights: For each document the weights (T, T); row t attends to columns s < t, at distance t - s.
        distances: The largest distance of each group, ascending.

    Returns:
        A row for each group that occurs: its `first` and `last` distance, the number of `predictions` that have a state
        at its first distance, and the mean `share` of their attention that states of the group have.
    """
    rows, first = [], 1
    for last in distances:
        shares = [part[t, max(0, t - last) : t - first + 1].sum() for part in weights for t in range(first, len(part))]
        if shares:
            share = float(np.mean(shares, dtype=np.float64))
            rows.append({"first": first, "last": last, "predictions": len(shares), "share": share})
        first = last + 1
    return rows


def _map(tokens: Ids, weights: NDArray[np.floating], tokenizer: Tokenizer) -> dict[str, Any]:
    """Return the words and the weights of a map: what is predicted, and what was read before."""
    words = [tokenizer.id_to_token(int(token)) for token in (BOS, *tokens)]
    return {"source": words[:-1], "target": words[1:], "weights": np.round(weights.astype(np.float64), 4)}
