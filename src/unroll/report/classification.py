"""Classifiers of one tokenizer: the table of their scores, their differences on the same documents, and calibration."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from unroll.evaluation.tasks.classification import LABEL_ERRORS, LABEL_NATS, by_document
from unroll.params.evaluate import Statistics
from unroll.report import chart
from unroll.report.comparison import Pair, compare_pairs
from unroll.report.leaderboard import interval_label
from unroll.report.markdown import Columns, format_columns, to_markdown_table


@dataclass(frozen=True)
class Differences:
    """The differences between all pairs of classifiers on the same documents, the more accurate one first."""

    errors: Sequence[Pair]
    """The differences of the rate of errors."""
    nats: Sequence[Pair]
    """The differences of the log loss of the same pairs; below zero if the less accurate model has the lower loss."""


class Section:
    """The classifiers of one tokenizer on the page."""

    def __init__(
        self, tokenizer: str, ranked: pd.DataFrame, differences: Differences, diagnostics: Mapping[str, Any]
    ) -> None:
        """Set the rows of the models, the most accurate first, their differences, and the diagnostics by model."""
        self.tokenizer, self.ranked = tokenizer, list(ranked.itertuples())
        self.pairs = list(zip(differences.errors, differences.nats, strict=True))
        self.colors = chart.assign_colors(ranked.model)
        self.has_folds = "folds" in ranked and bool(ranked.folds.notna().any())
        self._diagnostics = {name: diagnostics.get(name, {}) for name in ranked.model}

    @property
    def calibration(self) -> Markup:
        """The accuracy by the confidence: a line for each model, and dots for a calibrated model."""
        lines = {
            name: [(row["confidence"], row["accuracy"]) for row in entry.get("calibration", [])]
            for name, entry in self._diagnostics.items()
        }
        traces = [chart.Trace(name, self.colors[name], line) for name, line in lines.items() if line]
        if not traces:
            return Markup("")
        diagonal = [(tenth / 10, tenth / 10) for tenth in range(11)]
        ideal = chart.Trace("calibrated", len(self.colors) % chart.COLORS, diagonal, dots=True)
        return chart.draw_lines([*traces, ideal], "confidence", "accuracy")

    @property
    def confusions(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The confusion matrices by the names of the models."""
        return [(name, entry["confusion"]) for name, entry in self._diagnostics.items() if "confusion" in entry]


def rank(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the classifiers of each tokenizer, by accuracy, without those of other seeds."""
    classifiers = table[table.accuracy.notna() & ~table.repeats]
    return {
        name: group.sort_values("accuracy", ascending=False, kind="stable")
        for name, group in classifiers.groupby("tokenizer", sort=False)
    }


def compare(
    results: pd.DataFrame,
    evaluations: Path,
    runs: Mapping[str, Sequence[str]],
    random: Collection[str],
    statistics: Statistics,
    seed: int,
) -> dict[str, Differences]:
    """Compare all pairs of classifiers of each tokenizer.

    Args:
        results: The table of all models.
        evaluations: The folder with a folder for each model.
        runs: The names of the runs of each classifier that was trained with several seeds.
        random: The names of the models whose training depends on the seed.
        statistics: The settings of the tests. A document is a block.
        seed: The random seed of the tests.

    Returns:
        The differences by tokenizer.
    """
    names = list(results.model[results.accuracy.notna()])
    arrays = {
        measure: {name: np.load(evaluations / name / f"{measure}.npy") for name in names}
        for measure in (LABEL_ERRORS, LABEL_NATS)
    }
    return {
        tokenizer: Differences(
            *(
                compare_pairs(list(group.model), losses, by_document(statistics), seed, runs, random)
                for losses in arrays.values()
            )
        )
        for tokenizer, group in rank(results).items()
    }


def to_markdown(table: pd.DataFrame, differences: Mapping[str, Differences], confidence: float) -> list[str]:
    """Return the scores and the differences of the classifiers of each tokenizer.

    Args:
        table: The table of all models.
        differences: The differences by tokenizer.
        confidence: The confidence level of the intervals.

    Returns:
        One or two tables for each tokenizer.
    """
    tables = []
    for tokenizer, ranked in rank(table).items():
        tables.append(_score_table(tokenizer, ranked, confidence))
        if (found := differences[tokenizer]).errors:
            tables.append(_difference_table(tokenizer, found, confidence))
    return tables


def _score_table(tokenizer: str, ranked: pd.DataFrame, confidence: float) -> str:
    best, interval = ranked.iloc[0], interval_label(confidence)
    head = f"## Classification of `{tokenizer}`\n\n{best.test_documents:,} test documents, {best.classes} classes"
    if "folds" in ranked and ranked.folds.notna().any():
        folds = int(ranked.folds.max())
        head += f"; the values of {folds} folds are means, with the deviation between the folds"
    shown = ranked.copy()
    for name, form in (("accuracy", "{:.1%}"), ("log_loss", "{:.3f}")):
        if f"{name}_low" in ranked:
            low, high = (ranked[f"{name}_{end}"].map(form.format) for end in ("low", "high"))
            shown[f"{name}_interval"] = low + " – " + high
        if f"fold_{name}" in ranked:
            mean, deviation = (ranked[f"fold_{name}{end}"].map(form.format) for end in ("", "_deviation"))
            shown[f"fold_{name}_spread"] = (mean + " ± " + deviation).where(ranked[f"fold_{name}"].notna())
    columns: Columns = {
        "model": ("model", "`{}`".format),
        "family": ("family", str),
        "accuracy": ("accuracy", "{:.1%}".format),
        f"{interval}, accuracy": ("accuracy_interval", str),
        "macro F1": ("macro_f1", "{:.3f}".format),
        "log loss (nats)": ("log_loss", "{:.3f}".format),
        f"{interval}, log loss": ("log_loss_interval", str),
        "calibration error": ("calibration_error", "{:.3f}".format),
        "accuracy, folds": ("fold_accuracy_spread", str),
        "log loss, folds": ("fold_log_loss_spread", str),
        "parameters": ("parameters", "{:,}".format),
    }
    texts = format_columns(shown, columns)
    return f"{head}.\n\n" + to_markdown_table(list(texts), list(zip(*texts.values(), strict=True)))


def _difference_table(tokenizer: str, differences: Differences, confidence: float) -> str:
    interval = interval_label(confidence)
    head = (
        f"### Differences between classifiers of `{tokenizer}`\n\n"
        "The first model is more accurate by these points, and its log loss is lower by these nats. p is that of a "
        "permutation test over documents, with Holm's correction for all pairs. The verdict is on the accuracy.\n\n"
    )
    rows = [
        [
            f"`{errors.better}`, `{errors.worse}`",
            f"{100 * errors.difference.mean:.1f}",
            f"{100 * errors.difference.low:.1f} – {100 * errors.difference.high:.1f}",
            f"{errors.p:.2g}",
            f"{nats.difference.mean:.3f}",
            f"{nats.difference.low:.3f} – {nats.difference.high:.3f}",
            f"{nats.p:.2g}",
            errors.verdict,
        ]
        for errors, nats in zip(differences.errors, differences.nats, strict=True)
    ]
    heads = ["models", "accuracy, points", interval, "p (Holm)", "log loss, nats", interval, "p (Holm)", "verdict"]
    return head + to_markdown_table(heads, rows)
