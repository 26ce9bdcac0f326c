"""Differences between models on the same tokens, and between seeds of one model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unroll.evaluation.statistics import Difference, Estimate, adjust_holm, compare, estimate
from unroll.evaluation.token_losses import Column
from unroll.params.evaluate import Statistics

COLUMNS = ("tokenizer", "better", "worse", "nats", "low", "high", "percent", "p", "p_holm")
"""The columns of comparisons.csv; `nats` is the mean difference, `low` and `high` are the ends of its interval."""


@dataclass(frozen=True)
class Pair:
    """Two models on the same tokens."""

    better: str
    """The name of the model with the lower perplexity."""
    worse: str
    """The name of the other model."""
    difference: Difference
    """Losses of `worse` minus those of `better`, in nats per token."""
    p: float
    """The p value, adjusted for all pairs on these tokens (Holm)."""

    @property
    def percent(self) -> float:
        """The percentage by which the perplexity of `worse` is higher."""
        return 100 * math.expm1(self.difference.mean) if self.difference.mean < 700 else math.inf


def compare_pairs(ranked: Sequence[str], losses: Mapping[str, Column], params: Statistics, seed: int) -> list[Pair]:
    """Compare all pairs of models on the same tokens.

    Args:
        ranked: The names of the models, the best first.
        losses: The losses (T,) of each model, in nats per test token.
        params: The settings of the tests.
        seed: The random seed of the tests.

    Returns:
        The pairs, in the order of `ranked`.
    """
    named = [(a, b) for index, a in enumerate(ranked) for b in ranked[index + 1 :]]
    differences = [compare(losses[worse], losses[better], params, seed) for better, worse in named]
    adjusted = adjust_holm([difference.p for difference in differences])
    return [Pair(a, b, d, p) for (a, b), d, p in zip(named, differences, adjusted, strict=True)]


def to_csv(pairs: Mapping[str, Sequence[Pair]]) -> str:
    """Return all pairs, by tokenizer, as a table with the columns `COLUMNS`."""
    lines = [",".join(COLUMNS)]
    for tokenizer, rows in pairs.items():
        for pair in rows:
            d = pair.difference
            numbers = (d.mean, d.low, d.high, pair.percent, d.p, pair.p)
            lines.append(",".join([tokenizer, pair.better, pair.worse, *(f"{value:.6g}" for value in numbers)]))
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class SeedVariance:
    """The results of one model that was trained with several seeds."""

    model: str
    """The name of the model."""
    runs: Sequence[str]
    """The names of its runs; the first one is the model itself."""
    cross_entropy: Estimate
    """The mean over all runs, in nats per token, with the interval for another test text."""
    deviation: float
    """The standard deviation of the cross-entropy between the runs (n - 1)."""


def measure_seeds(
    model: str, runs: Sequence[str], losses: Mapping[str, Column], params: Statistics, seed: int
) -> SeedVariance:
    """Measure the variance between the seeds of a model.

    Args:
        model: The name of the model.
        runs: The names of at least two runs.
        losses: The losses (T,) of each run, in nats per test token.
        params: The settings of the interval.
        seed: The random seed of the interval.

    Returns:
        The variance.
    """
    table = np.stack([losses[run] for run in runs])  # (runs, T)
    return SeedVariance(model, runs, estimate(table.mean(0), params, seed), float(table.mean(1).std(ddof=1)))
