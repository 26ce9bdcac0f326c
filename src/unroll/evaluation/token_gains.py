"""On which tokens is one model better than another?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unroll.evaluation.token_losses import Column


@dataclass(frozen=True)
class Improved:
    """One type of token in the test text."""

    text: str
    times: int
    saved: float
    """Nats in all that the first model needs less than the other."""
    before: float
    """The other's nats for each."""
    after: float


def improved(one: Mapping[str, Column], other: Mapping[str, Column]) -> list[Improved]:
    """Every type of token, the most improved first; ends with those that are worse. Both are tables of losses of the
    same text; what is impossible for either is passed over."""
    possible = np.isfinite(one["nats"]) & np.isfinite(other["nats"])
    _, first, code, times = np.unique(
        one["token"][possible], return_index=True, return_inverse=True, return_counts=True
    )
    after, before = (np.bincount(code, table["nats"][possible]) for table in (one, other))
    texts = one["text"][possible][first]
    rows = [
        Improved(str(text), int(n), float(b - a), float(b / n), float(a / n))
        for text, n, b, a in zip(texts, times, before, after, strict=True)
    ]
    return sorted(rows, key=lambda row: -row.saved)
