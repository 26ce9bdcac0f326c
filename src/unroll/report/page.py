"""The report: one HTML page that needs nothing else, no network and no server.

It is put together by jinja2 with autoescape from the numbers of all models; whatever comes from a corpus (samples,
words, labels) is text there and can be nothing else, and the page's own policy forbids it to load or send anything.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from unroll.evaluation.token_gains import Improved, improved
from unroll.evaluation.token_losses import Column
from unroll.report import chart
from unroll.report.comparison import Pair
from unroll.report.distance import Distance
from unroll.report.leaderboard import Result
from unroll.report.oracle_section import TruthSection
from unroll.report.recurrence import norms
from unroll.report.recurrent_section import RecurrentSection
from unroll.report.seeds import Seeds
from unroll.report.series import MEASURES, Series
from unroll.report.zipf import Zipf

FOLDER = Path(__file__).parent / "page"
COLORS = 10
WORDS = 12
"""Rows of the tables of most improved and most worsened tokens."""


@dataclass(frozen=True)
class Findings:
    """All that the page is made of; mappings are by the name of a model or, where it says so, of tokens."""

    results: Sequence[Result]
    losses: Mapping[str, Mapping[str, Column]]
    diagnostics: Mapping[str, Mapping[str, Any]]
    curves: Mapping[str, Sequence[Mapping[str, float]]]
    samples: Mapping[str, str]
    pairs: Mapping[str, Sequence[Pair]]
    """By tokens."""
    seeds: Sequence[Seeds]
    distances: Mapping[str, Distance]
    """By tokens, where the truth is known."""
    series: Sequence[Series]
    """Forecasts of numbers."""
    frequencies: Mapping[str, NDArray[np.int64]]
    """By tokens: occurrences in train, the most frequent first."""
    confidence: float
    params: str
    """params.yaml as text."""
    pipeline: Markup
    """Drawn."""
    hashes: Mapping[str, str]
    """sha256 by file: what made this page."""


def render(found: Findings) -> str:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = lambda name: Markup((FOLDER / name).read_text(encoding="utf-8"))
    environment.filters["number"] = chart.number
    environment.filters["inf"] = lambda value: "∞" if float(value) == math.inf else f"{float(value):,.2f}"
    predicting = [result for result in found.results if result.predicts]
    groups = [
        Group(
            tokens,
            sorted((r for r in predicting if r["tokenizer"] == tokens), key=lambda r: float(r["test_perplexity"])),
        )
        for tokens in dict.fromkeys(result["tokenizer"] for result in predicting)
    ]
    groups.sort(key=lambda group: -len(group.ranked))
    return environment.get_template("index.html").render(
        found=found,
        groups=groups,
        classifiers=sorted((r for r in found.results if "accuracy" in r.metrics), key=lambda r: -float(r["accuracy"])),
        maps=_maps(found),
        pictures=[Pictures(group, found) for group in groups],
        truths=[
            TruthSection(group.tokens, group.colors, found.distances[group.tokens])
            for group in groups
            if group.tokens in found.distances
        ],
        zipf=Zipf(found.frequencies, COLORS),
        recurrent=RecurrentSection(found.curves, found.diagnostics, COLORS),
        dynamic=any("dynamic_perplexity" in r.metrics for r in predicting),
        level=1 - found.confidence,
        measures=MEASURES,
    )


class Group:
    """The language models of the same tokens, best first."""

    def __init__(self, tokens: str, ranked: Sequence[Result]) -> None:
        self.tokens, self.ranked = tokens, ranked
        self.truth = next((r for r in ranked if r["family"] == "oracle"), None)
        self.contenders = [r for r in ranked if r is not self.truth]
        self.colors = {r.name: index % COLORS for index, r in enumerate(ranked)}
        ends = [float(r[key]) for r in ranked for key in ("test_perplexity_low", "test_perplexity_high")]
        finite = [end for end in ends if math.isfinite(end)]
        self._axis = chart.Axis(min(finite), max(finite), 6, 114, log=True) if finite else None

    def interval(self, result: Result) -> Markup:
        """The perplexity with its interval, on an axis that the group shares."""
        low, value, high = (float(result[f"test_perplexity{end}"]) for end in ("_low", "", "_high"))
        if self._axis is None or not math.isfinite(high):
            return Markup("")
        return chart.interval(low, value, high, self._axis)


class Pictures:
    """What there is to see of a group; every picture may be empty."""

    def __init__(self, group: Group, found: Findings) -> None:
        self.group, self._found = group, found
        self.pairs = {(p.better, p.worse): p for p in found.pairs.get(group.tokens, [])}

    def _series(self, points: Mapping[str, Any], **more: Any) -> list[chart.Series]:
        return [chart.Series(n, self.group.colors[n], p, **more) for n, p in points.items() if p]

    @property
    def learning(self) -> Markup:
        lines, dots = {}, {}
        for result in self.group.ranked:
            rows = self._found.curves.get(result.name, [])
            lines[result.name] = [(row["epoch"], row["train_loss"]) for row in rows if "train_loss" in row]
            if lines[result.name]:
                dots[result.name] = [(row["epoch"], row["valid_loss"]) for row in rows if "valid_loss" in row]
        ends = [points[-1][0] for points in lines.values() if points]
        far = bool(ends) and max(ends) > 4 * min(ends)  # EM has more epochs than a network
        return chart.lines(self._series(lines) + self._series(dots, dots=True), "epoch", "nats per token", far)

    @property
    def gradients(self) -> Markup:
        """The norm of the gradient over the training: a line before clipping, dots after it."""
        found = norms({r.name: self._found.curves.get(r.name, []) for r in self.group.ranked})
        before = self._series({name: both[0] for name, both in found.items()})
        after = self._series({name: both[1] for name, both in found.items()}, dots=True)
        return chart.lines(before + after, "epoch", "norm of the gradient")

    def context(self, kind: str, label: str) -> Markup:
        """`cut` or `shuffled`: nats above the loss with the whole context, by distance."""
        series = []
        for result in self.group.ranked:
            look = self._found.diagnostics[result.name].get("context", {})
            rows = [row for row in look.get(kind, []) if _finite(row["nats"]) and _finite(look["full"])]
            points = [(row["distance"], row["nats"] - look["full"]) for row in rows]
            if points:
                errors = [row["error"] for row in rows]
                series.append(chart.Series(result.name, self.group.colors[result.name], points, errors))
        return chart.lines(series, label, "nats lost", log_x=True)

    @property
    def position(self) -> Markup:
        points = {}
        for result in self.group.ranked:
            rows = self._found.diagnostics[result.name].get("position", [])
            points[result.name] = [((r["first"] + r["last"]) / 2 + 1, r["nats"]) for r in rows if _finite(r["nats"])]
        return chart.lines(self._series(points), "position in the document", "nats per token", log_x=True)

    @property
    def words(self) -> tuple[str, str, list[Improved], list[Improved]] | None:
        """(best, next, most improved tokens, most worsened) of the two best models that are not the truth."""
        best = [r.name for r in self.group.contenders[:2]]
        if len(best) < 2:
            return None
        rows = improved(*(self._found.losses[name] for name in best))
        worse = [row for row in reversed(rows[-WORDS:]) if row.saved < 0]
        return best[0], best[1], [row for row in rows[:WORDS] if row.saved > 0], worse


def _maps(found: Findings) -> list[tuple[str, Markup]]:
    """(caption, map) of the vectors, and of the embedding of each network that has one."""
    maps = []
    for r in found.results:
        if "dimensions" in r.metrics:
            share = 100 * r["coverage"]
            caption = f"{r.name}: {r['dimensions']} dimensions, for {share:.1f} % of the vocabulary."
            maps.append((caption, chart.places(_places(found.samples[r.name]))))
        elif points := found.diagnostics[r.name].get("map"):
            maps.append((f"{r.name}: the embedding of its tokens.", chart.places([(t, x, y) for t, x, y in points])))
    return maps


def _places(table: str) -> list[tuple[str, float, float]]:
    """(token, x, y) of the table that evaluate writes of vectors."""
    rows = (line.split("\t") for line in table.splitlines()[1:])
    return [(row[0], float(row[1]), float(row[2])) for row in rows]


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
