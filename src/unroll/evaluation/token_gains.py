"""The tokens on which one model is better than another."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unroll.evaluation.token_losses import Column


@dataclass(frozen=True)
class TokenGain:
    """The losses of two models on one token of the vocabulary, in nats."""

    surface: str
    count: int
    """The number of times that the token occurs in the test text."""
    gain: float
    """The total loss of the second model minus that of the first."""
    first_nll: float
    """The mean loss of the first model."""
    second_nll: float
    """The mean loss of the second model."""


def token_gains(first: Mapping[str, Column], second: Mapping[str, Column]) -> list[TokenGain]:
    """Compare two models token by token of the vocabulary.

    Args:
        first: The table of losses of the first model (`unroll.evaluation.token_losses`).
        second: The table of losses of the second model on the same text.

    Returns:
        A row for every token of the test text, the largest gain of the first model first. Test tokens with an infinite
        loss are left out.
    """
    finite = np.isfinite(first["nll"]) & np.isfinite(second["nll"])
    _, index, code, counts = np.unique(
        first["token"][finite], return_index=True, return_inverse=True, return_counts=True
    )
    totals = [np.bincount(code, table["nll"][finite]) for table in (first, second)]
    surfaces = first["surface"][finite][index]
    rows = [
        TokenGain(str(surface), int(n), float(b - a), float(a / n), float(b / n))
        for surface, n, a, b in zip(surfaces, counts, *totals, strict=True)
    ]
    return sorted(rows, key=lambda row: -row.gain)
