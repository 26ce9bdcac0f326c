"""Every pair of models on the same tokens: how much better, and can it be believed?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unroll.evaluation.statistics import Difference, compare, holm
from unroll.evaluation.token_losses import Column
from unroll.params.evaluate import Statistics

COLUMNS = ("tokens", "better", "worse", "nats", "low", "high", "percent", "p", "p_holm")


@dataclass(frozen=True)
class Pair:
    """Losses of `worse` minus those of `better`, in nats per token."""

    better: str
    worse: str
    difference: Difference
    p: float
    """Adjusted for all pairs on these tokens (Holm)."""

    @property
    def percent(self) -> float:
        """By how much the perplexity of `worse` is higher."""
        return 100 * math.expm1(self.difference.mean) if self.difference.mean < 700 else math.inf


def pairs(ranked: Sequence[str], losses: Mapping[str, Column], params: Statistics, seed: int) -> list[Pair]:
    """All pairs of the models `ranked` (best first), from the nats of their test tokens, (T,) each."""
    named = [(a, b) for index, a in enumerate(ranked) for b in ranked[index + 1 :]]
    found = [compare(losses[worse], losses[better], params, seed) for better, worse in named]
    adjusted = holm([difference.p for difference in found])
    return [Pair(a, b, d, p) for (a, b), d, p in zip(named, found, adjusted, strict=True)]


def table(found: Mapping[str, Sequence[Pair]]) -> str:
    """All pairs as CSV, by tokens."""
    lines = [",".join(COLUMNS)]
    for tokens, rows in found.items():
        for pair in rows:
            d = pair.difference
            numbers = (d.mean, d.low, d.high, pair.percent, d.p, pair.p)
            lines.append(",".join([tokens, pair.better, pair.worse, *(f"{value:.6g}" for value in numbers)]))
    return "\n".join(lines) + "\n"
