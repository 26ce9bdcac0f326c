"""The language models of one tokenizer: the charts and tables of the page that compare them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from unroll.evaluation.token_losses import Column, TokenGain, token_gains
from unroll.report import chart
from unroll.report.comparison import Pair
from unroll.report.curves import Rows, gradient_norms, points

Cell = tuple[float, bool, str]
"""An influence for the page: its share of the largest one, whether it is negative, and its number."""
MAX_GAINS = 12
"""The number of rows of each table of token gains."""


class Group:
    """Language models with the same tokenizer, the best first. Each chart is empty if there is nothing to show."""

    def __init__(
        self,
        tokenizer: str,
        ranked: pd.DataFrame,
        pairs: Sequence[Pair],
        losses: Mapping[str, Mapping[str, Column]],
        diagnostics: Mapping[str, Mapping[str, Any]],
        curves: Mapping[str, Rows],
    ) -> None:
        """Prepare the charts.

        Args:
            tokenizer: The name of the tokenizer.
            ranked: The rows of the models in the leaderboard, the best first.
            pairs: The comparisons of all pairs of the models.
            losses: The table of losses, by model.
            diagnostics: The diagnostics, by model.
            curves: The learning curves, by model.
        """
        self.tokenizer, self.ranked = tokenizer, list(ranked.itertuples())
        self.oracle = next((r for r in self.ranked if r.family == "oracle"), None)
        self.contenders = [r for r in self.ranked if r is not self.oracle]
        self.colors = chart.assign_colors(ranked.model)
        self.pairs = {(p.better, p.worse): p for p in pairs}
        self._losses, self._diagnostics = losses, diagnostics
        self._curves = {name: curves.get(name, []) for name in ranked.model}
        ends = ranked[["test_perplexity_low", "test_perplexity_high"]].to_numpy()
        finite = ends[np.isfinite(ends)]
        self._axis = chart.Axis(finite.min(), finite.max(), 6, 114, log=True) if finite.size else None

    def interval(self, result: Any) -> Markup:
        """Draw the perplexity of a model with its interval, on an axis that the group shares."""
        low, value, high = result.test_perplexity_low, result.test_perplexity, result.test_perplexity_high
        if self._axis is None or not math.isfinite(high):
            return Markup("")
        return chart.draw_interval(low, value, high, self._axis)

    @property
    def learning(self) -> Markup:
        """The losses by epoch: lines for train, dots for valid."""
        train = {name: points(rows, "train_loss") for name, rows in self._curves.items()}
        valid = {name: points(rows, "valid_loss") for name, rows in self._curves.items() if train[name]}
        ends = [line[-1][0] for line in train.values() if line]
        log_x = bool(ends) and max(ends) > 4 * min(ends)  # EM runs for more epochs than a network
        return chart.draw_lines(self._traces(train) + self._traces(valid, dots=True), "epoch", "nats per token", log_x)

    @property
    def gradients(self) -> Markup:
        """The norm of the gradient by epoch: lines before clipping, dots after it."""
        norms = gradient_norms(self._curves)
        before = self._traces({name: both[0] for name, both in norms.items()})
        after = self._traces({name: both[1] for name, both in norms.items()}, dots=True)
        return chart.draw_lines(before + after, "epoch", "norm of the gradient")

    def context(self, kind: str, label: str) -> Markup:
        """Draw what a model loses without its whole context.

        Args:
            kind: `cut` or `shuffled`.
            label: The label of the distances.

        Returns:
            The loss above that with the whole context, in nats per token, by distance.
        """
        traces = []
        for name, color in self.colors.items():
            ablation = self._diagnostics[name].get("context_ablation", {})
            rows = [row for row in ablation.get(kind, []) if _is_finite(row["nats"]) and _is_finite(ablation["full"])]
            line = [(row["distance"], row["nats"] - ablation["full"]) for row in rows]
            if line:
                errors = [row["error"] for row in rows]
                traces.append(chart.Trace(name, color, line, errors))
        return chart.draw_lines(traces, label, "nats lost", log_x=True)

    @property
    def position(self) -> Markup:
        """The loss by the position of a token in its document."""
        lines = {}
        for name in self.colors:
            rows = self._diagnostics[name].get("position", [])
            lines[name] = [((r["first"] + r["last"]) / 2 + 1, r["nats"]) for r in rows if _is_finite(r["nats"])]
        return chart.draw_lines(self._traces(lines), "position in the document", "nats per token", log_x=True)

    @property
    def influence(self) -> list[tuple[str, list[tuple[str, list[Cell]]]]]:
        """For each model the tokens of a text, each with the influences of the tokens before it."""
        found = {name: self._diagnostics[name].get("influence", {}) for name in self.colors}
        maps = {name: (entry["tokens"], _read_lower(entry["nats"])) for name, entry in found.items() if entry}
        largest = max((abs(x) for _, rows in maps.values() for row in rows for x in row if _is_finite(x)), default=0.0)
        return [
            (name, [(token, [_cell(x, largest) for x in row]) for token, row in zip(tokens, rows, strict=True)])
            for name, (tokens, rows) in maps.items()
        ]

    @property
    def calibrated(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The models with finite losses of the predictions whose entropy was measured, with the measurements."""
        found = [(name, self._diagnostics[name].get("calibration") or {}) for name in self.colors]
        return [(name, entry) for name, entry in found if _is_finite(entry.get("nats"))]

    @property
    def calibration(self) -> Markup:
        """The loss above the entropy of the predictions, by their entropy."""
        traces = []
        for name, entry in self.calibrated:
            line = [(row["entropy"], row["nats"] - row["entropy"]) for row in entry["groups"]]
            traces.append(chart.Trace(name, self.colors[name], line, [row["error"] for row in entry["groups"]]))
        return chart.draw_lines(traces, "entropy of the prediction, nats", "loss above the entropy, nats")

    @property
    def growth(self) -> list[Mapping[str, Any]]:
        """The sizes of the tables of the n-gram model of the highest order; empty without one."""
        return max((self._diagnostics[name].get("table_growth", []) for name in self.colors), key=len, default=[])

    @property
    def gains(self) -> tuple[str, str, list[TokenGain], list[TokenGain]] | None:
        """The names of the two best models besides the oracle, and the tokens with the largest gains and losses."""
        names = [r.model for r in self.contenders[:2]]
        if len(names) < 2:
            return None
        rows = token_gains(*(self._losses[name] for name in names))
        lost = [row for row in reversed(rows[-MAX_GAINS:]) if row.gain < 0]
        return names[0], names[1], [row for row in rows[:MAX_GAINS] if row.gain > 0], lost

    def _traces(self, lines: Mapping[str, Any], dots: bool = False) -> list[chart.Trace]:
        return [chart.Trace(name, self.colors[name], line, dots=dots) for name, line in lines.items() if line]


def _read_lower(rows: Sequence[Sequence[float | str]]) -> list[list[float]]:
    """Return the numbers before the diagonal of a matrix of a JSON file, in which an infinity is a word."""
    return [[float(x) for x in row[:t]] for t, row in enumerate(rows)]


def _cell(nats: float, largest: float) -> Cell:
    """Return how the page shows an influence, given the largest finite one."""
    return min(1.0, abs(nats) / largest) if largest else float(nats != 0), nats < 0, f"{nats:+.2f}"


def _is_finite(value: Any) -> bool:
    """Return whether a value of a JSON file is a finite number; an infinity is a word there."""
    return isinstance(value, int | float) and math.isfinite(value)
