"""The part of the page on the models of one sampled corpus, and how far they are from its source."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from unroll.report import chart
from unroll.report.distance import Distance


class TruthSection:
    """Every picture may be empty. `colors` are those of the models everywhere on the page."""

    def __init__(self, tokens: str, colors: Mapping[str, int], distance: Distance) -> None:
        self.tokens, self._distance = tokens, distance
        self.colors = {name: colors[name] for name in distance.excess}

    @property
    def excess(self) -> Markup:
        possible = {name: d for name, d in self._distance.excess.items() if math.isfinite(d.mean)}
        most = max((d.high for d in possible.values()), default=0.0)
        rows = []
        for name, d in possible.items():
            expected = self._distance.expected[name]  # of counts, as n-grams have, it says nothing: far off the scale
            mark = expected if expected < most else None
            rows.append(chart.Bar(name, self.colors[name], d.mean, d.low, d.high, mark))
        return chart.bars(rows, "millibits per token above the truth", "d / 2N")

    @property
    def approach(self) -> Markup:
        """The excess by the size of the text, and d / 2N of those whose d is the same for any text."""
        excess, expected = {}, {}
        for name, points in self._distance.approach.items():
            excess[name] = [(p.train_tokens, p.excess) for p in points if 0 < p.excess < math.inf]
            if len({round(p.expected * p.train_tokens) for p in points}) == 1:
                expected[name] = [(p.train_tokens, p.expected) for p in points]
        lines = self._lines(excess) + self._lines(expected, dots=True)
        return chart.lines(lines, "tokens of text", "millibits above the truth", log_x=True, log_y=True)

    @property
    def rarity(self) -> Markup:
        points = {
            name: [(number, g.gain) for number, g in enumerate(groups, 1) if math.isfinite(g.gain)]
            for name, groups in self._distance.rarity.items()
        }
        return chart.lines(self._lines(points), "rarity group, rarest first", "log p model − log p truth")

    @property
    def ahead(self) -> Markup:
        points = {
            name: [(step, float(nats)) for step, nats in enumerate(values, 1) if math.isfinite(nats)]
            for name, values in self._distance.ahead.items()
        }
        return chart.lines(self._lines(points), "steps ahead", "KL from the truth, nats")

    def _lines(self, points: Mapping[str, Sequence[Any]], dots: bool = False) -> list[chart.Series]:
        return [chart.Series(name, self.colors[name], line, dots=dots) for name, line in points.items() if line]
