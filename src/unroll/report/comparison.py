"""Differences between models on the same tokens, and between seeds of one model."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import pandas as pd
from scipy.special import stdtrit  # the quantile of Student's t; scipy.stats, which calls it, is slow to import

from unroll.evaluation.statistics import Difference, Estimate, adjust_holm, compare_all, estimate
from unroll.evaluation.token_losses import Column
from unroll.params.evaluate import Statistics

COLUMNS = (
    *("tokenizer", "better", "worse", "nats", "low", "high", "percent", "p", "p_holm"),
    *("seed_nats", "seed_low", "seed_high", "verdict"),
)
"""The columns of comparisons.csv.

`nats` is the mean difference, and `low` and `high` are the ends of its interval for another test text. `seed_nats`,
`seed_low` and `seed_high` are the same for other seeds of training, and empty where a model has one seed only.
"""

Verdict = Literal["better", "borderline", "not distinguishable", "better with one seed"]


@dataclass(frozen=True)
class Pair:
    """Two models on the same tokens."""

    better: str
    """The name of the model with the lower perplexity."""
    worse: str
    """The name of the other model."""
    difference: Difference
    """Losses of `worse` minus those of `better`, in nats per token, with the interval for another test text."""
    p: float
    """The p value, adjusted for all pairs on these tokens (Holm)."""
    alpha: float
    """The level of significance, 1 - confidence."""
    seeds: Estimate | None
    """The same difference between the means over seeds, with the interval for other seeds; None if it is unknown."""

    @property
    def percent(self) -> float:
        """The percentage by which the perplexity of `worse` is higher."""
        return 100 * math.expm1(self.difference.mean) if self.difference.mean < 700 else math.inf

    @property
    def verdict(self) -> Verdict:
        """Whether `better` is better: p (Holm) is below alpha, and the interval for other seeds is above 0."""
        significant = self.p < self.alpha
        if self.seeds is None:
            return "better with one seed" if significant else "not distinguishable"
        agreeing = significant + (self.seeds.low > 0)
        return "better" if agreeing == 2 else "borderline" if agreeing == 1 else "not distinguishable"

    @property
    def is_contradicted(self) -> bool:
        """Whether the interval for other seeds is below 0, so that `worse` is better for these seeds."""
        return self.seeds is not None and self.seeds.high < 0


def compare_pairs(
    ranked: Sequence[str],
    losses: Mapping[str, Column],
    params: Statistics,
    seed: int,
    runs: Mapping[str, Sequence[str]],
    random: Collection[str],
) -> list[Pair]:
    """Compare all pairs of models on the same tokens.

    Args:
        ranked: The names of the models, the best first.
        losses: The losses (T,) of each model and of its runs with other seeds, in nats per test token.
        params: The settings of the tests.
        seed: The random seed of the tests.
        runs: The names of the runs of each model that was trained with several seeds.
        random: The names of the models whose training depends on the seed.

    Returns:
        The pairs, in the order of `ranked`.
    """
    named = [(a, b) for index, a in enumerate(ranked) for b in ranked[index + 1 :]]
    differences = compare_all(((losses[worse], losses[better]) for better, worse in named), params, seed)
    adjusted = adjust_holm([difference.p for difference in differences])
    means = {name: [float(losses[run].mean()) for run in runs.get(name, [name])] for name in ranked}
    return [
        Pair(a, b, d, p, 1 - params.confidence, between_seeds(a, b, means, random, params.confidence))
        for (a, b), d, p in zip(named, differences, adjusted, strict=True)
    ]


def between_seeds(
    better: str, worse: str, means: Mapping[str, Sequence[float]], random: Collection[str], confidence: float
) -> Estimate | None:
    """Estimate the difference of two models for other seeds, by the t interval of Welch (1947).

    Args:
        better: The name of a model.
        worse: The name of another one.
        means: The cross-entropies of the runs of each model.
        random: The names of the models whose training depends on the seed. The others have no variance.
        confidence: The confidence level.

    Returns:
        The mean cross-entropy of `worse` minus that of `better`, with the interval; None if a model whose training
        depends on the seed has one run.
    """
    between = float(np.mean(means[worse]) - np.mean(means[better]))
    repeated = [means[name] for name in (better, worse) if name in random]
    if any(len(values) < 2 for values in repeated):
        return None
    variances = [float(np.var(values, ddof=1)) / len(values) for values in repeated]
    if not sum(variances) > 0:
        return Estimate(between, between, between)
    freedom = sum(variances) ** 2 / sum(v**2 / (len(r) - 1) for v, r in zip(variances, repeated, strict=True))
    width = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(sum(variances))
    return Estimate(between, between - width, between + width)


def to_csv(pairs: Mapping[str, Sequence[Pair]]) -> str:
    """Return all pairs, by tokenizer, as a table with the columns `COLUMNS`."""
    rows = []
    for tokenizer, compared in pairs.items():
        for pair in compared:
            d, seeds = pair.difference, pair.seeds
            numbers = [d.mean, d.low, d.high, pair.percent, d.p, pair.p]
            numbers += [seeds.mean, seeds.low, seeds.high] if seeds else [math.nan] * 3
            rows.append([tokenizer, pair.better, pair.worse, *numbers, pair.verdict])
    return pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False, float_format="%.6g", lineterminator="\n")


def to_markdown(pairs: Mapping[str, Sequence[Pair]], seeds: Sequence["SeedVariance"], confidence: float) -> list[str]:
    """Return the pairs with a borderline verdict and the variance between seeds, as tables.

    Args:
        pairs: The pairs of models, by tokenizer.
        seeds: The variance of each model with several seeds.
        confidence: The confidence level of the intervals.

    Returns:
        A table of each, if there is something to show.
    """
    tables, interval = [], f"{100 * confidence:g} % CI"
    if borderline := [pair for rows in pairs.values() for pair in rows if pair.verdict == "borderline"]:
        lines = [
            "## Borderline differences\n",
            f"For these differences in nats per token p (Holm) is not below {borderline[0].alpha:.2g}, or the interval "
            "for other seeds is not above zero. So the first model is not called better.\n",
            f"| models | difference | {interval}, text | p (Holm) | between means of seeds | {interval}, seeds |",
            "| :-- | --: | --: | --: | --: | --: |",
        ]
        for pair in borderline:
            text, other = pair.difference, cast(Estimate, pair.seeds)
            note = ": other seeds disagree" if pair.is_contradicted else ""
            lines.append(
                f"| `{pair.better}`, `{pair.worse}` | {text.mean:.4f} | {text.low:.4f} – {text.high:.4f} "
                f"| {pair.p:.2g} | {other.mean:.4f} | {other.low:.4f} – {other.high:.4f}{note} |"
            )
        tables.append("\n".join(lines) + "\n")
    if seeds:
        lines = [
            "## Variance between seeds\n",
            f"| model | seeds | nats per token, mean | deviation between seeds | {interval}, text |",
            "| :-- | --: | --: | --: | --: |",
        ]
        for variance in seeds:
            e = variance.cross_entropy
            numbers = f"{e.mean:.4f} | {variance.deviation:.4f} | {e.low:.4f} – {e.high:.4f}"
            lines.append(f"| `{variance.model}` | {len(variance.runs)} | {numbers} |")
        tables.append("\n".join(lines) + "\n")
    return tables


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
