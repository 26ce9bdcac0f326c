"""Charts as inline SVG: a few strokes each, coloured by the page's own style, with the numbers as tooltips.

Every text goes through Markup.format, which escapes it; coordinates are rounded, so equal numbers give equal bytes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT, MAP = 420, 260, 640
"""Near the width that the page gives them, so that their text has its size; a map is as high as it is wide."""
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 40


@dataclass(frozen=True)
class Series:
    name: str
    color: int
    """Number of a colour of the page, the same for a model in all pictures with models of its tokens."""
    points: Sequence[tuple[float, float]]
    errors: Sequence[float] = ()
    """Half the height of the band around each point."""
    dots: bool = False
    """Dots instead of a line."""


@dataclass(frozen=True)
class Axis:
    """From numbers to pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> str:
        low, high, at = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        return f"{self.start + (self.end - self.start) * (at - low) / ((high - low) or 1):.1f}"

    def ticks(self) -> list[float]:
        """Round numbers inside: 1, 2 or 5 times a power of ten; on a logarithmic axis powers, of two where it has few
        decades."""
        if self.log:
            base = 2.0 if self.high / self.low < 300 else 10.0
            first, last = math.ceil(math.log(self.low, base) - 1e-9), math.floor(math.log(self.high, base) + 1e-9)
            return [base**power for power in range(first, last + 1, 1 + (last - first) // 10)]
        step = (self.high - self.low or 1) / 5
        power = 10 ** math.floor(math.log10(step))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step)
        return [step * n for n in range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """As few digits as tell it."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def lines(series: Sequence[Series], x_label: str, y_label: str, log_x: bool = False, log_y: bool = False) -> Markup:
    """A line (or dots) per series. On a logarithmic axis all numbers are above nought, and no series has errors."""
    series = [s for s in series if s.points]
    if not series:
        return Markup("")
    xs = [x for s in series for x, _ in s.points]
    ys = [y + side * e for s in series for (_, y), e in zip(s.points, _errors(s), strict=True) for side in (-1, 1)]
    pad = (max(ys) - min(ys) or 1) * 0.06
    x = Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT, log_x)
    low, high = (min(ys) / 1.2, max(ys) * 1.2) if log_y else (min(ys) - pad, max(ys) + pad)
    y = Axis(low, high, HEIGHT - BOTTOM, TOP, log_y)
    drawn = [_frame(x, y, x_label, y_label)]
    for s in series:
        drawn += _series(s, x, y)
    return _svg(WIDTH, HEIGHT, f"{y_label} by {x_label}", drawn)


def _series(s: Series, x: Axis, y: Axis) -> list[Markup]:
    drawn = []
    errors = _errors(s)
    if any(errors):
        upper = [f"{x(a)},{y(b + e)}" for (a, b), e in zip(s.points, errors, strict=True)]
        lower = [f"{x(a)},{y(b - e)}" for (a, b), e in zip(s.points, errors, strict=True)]
        drawn.append(_m('<polygon class="band c{}" points="{}"/>', s.color, " ".join(upper + lower[::-1])))
    if not s.dots:
        path = " ".join(f"{x(a)},{y(b)}" for a, b in s.points)
        drawn.append(_m('<polyline class="line c{}" points="{}"/>', s.color, path))
    radius = "4" if s.dots else "2.5"
    for a, b in s.points:
        drawn.append(
            _m('<circle class="dot c{}" cx="{}" cy="{}" r="{}"><title>', s.color, x(a), y(b), radius)
            + _m("{}: {} at {}</title></circle>", s.name, number(b), number(a))
        )
    return drawn


def _errors(s: Series) -> Sequence[float]:
    return s.errors or [0.0] * len(s.points)


def _frame(x: Axis, y: Axis, x_label: str, y_label: str) -> Markup:
    parts = []
    for tick in y.ticks():
        parts.append(_m('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>', LEFT, WIDTH - RIGHT, y(tick), y(tick)))
        parts.append(_m('<text x="{}" y="{}" dy=".32em" text-anchor="end">{}</text>', LEFT - 6, y(tick), number(tick)))
    for tick in x.ticks():
        parts.append(_m('<text x="{}" y="{}" text-anchor="middle">{}</text>', x(tick), HEIGHT - 24, number(tick)))
    parts.append(
        _m('<text x="{}" y="{}" text-anchor="end" class="label">{}</text>', WIDTH - RIGHT, HEIGHT - 6, x_label)
    )
    parts.append(_m('<text x="0" y="{}" class="label">{}</text>', HEIGHT - 6, "↑ " + y_label))
    return Markup("").join(parts)


@dataclass(frozen=True)
class Bar:
    name: str
    color: int
    value: float
    low: float
    high: float
    mark: float | None = None
    """A value to compare with, drawn as a stroke."""


def bars(rows: Sequence[Bar], label: str, mark: str = "") -> Markup:
    """A horizontal bar per row from nought, with its interval; `mark` says what the strokes are."""
    height, left = 34, 150
    total = height * len(rows) + 30
    largest = max([row.high for row in rows] + [row.mark or 0.0 for row in rows]) or 1.0
    x = Axis(0, largest * 1.22, left, WIDTH - RIGHT)
    drawn = []
    for index, row in enumerate(rows):
        middle = height * index + height / 2
        drawn.append(_m('<text x="{}" y="{}" dy=".32em" text-anchor="end">{}</text>', left - 8, middle, row.name))
        width = max(0.0, float(x(row.value)) - left)
        drawn.append(
            _m(
                '<rect class="bar c{}" x="{}" y="{}" width="{:.1f}" height="18" rx="3">',
                row.color,
                left,
                middle - 9,
                width,
            )
            + _m("<title>{}: {} ({} to {})</title></rect>", row.name, *map(number, (row.value, row.low, row.high)))
        )
        drawn.append(
            _m('<line class="whisker" x1="{}" x2="{}" y1="{}" y2="{}"/>', x(row.low), x(row.high), middle, middle)
        )
        if row.mark is not None:
            drawn.append(
                _m('<line class="mark" x1="{0}" x2="{0}" y1="{1}" y2="{2}">', x(row.mark), middle - 13, middle + 13)
                + _m("<title>{}: {}</title></line>", mark, number(row.mark))
            )
        drawn.append(_m('<text x="{}" y="{}" dy=".32em" dx="8">{}</text>', x(row.high), middle, number(row.value)))
    drawn.append(
        _m(
            '<text x="{}" y="{}" class="label">{}</text>',
            0,
            total - 8,
            label + (f" · stroke: {mark}" if mark else ""),
        )
    )
    return _svg(WIDTH, total, label, drawn)


def places(points: Sequence[tuple[str, float, float]]) -> Markup:
    """A map: each text at its place (x, y)."""
    if not points:
        return Markup("")
    x = Axis(min(p[1] for p in points), max(p[1] for p in points), 30, MAP - 30)
    y = Axis(min(p[2] for p in points), max(p[2] for p in points), MAP - 16, 16)
    drawn = [
        _m('<text class="place" x="{}" y="{}" text-anchor="middle">{}</text>', x(a), y(b), t) for t, a, b in points
    ]
    return _svg(MAP, MAP, "map of tokens", drawn)


def interval(low: float, value: float, high: float, axis: Axis) -> Markup:
    """A value with its interval on a shared axis of 120 pixels, for a table's cell."""
    drawn = [
        _m('<line class="whisker" x1="{}" x2="{}" y1="8" y2="8"/>', axis(low), axis(high)),
        _m('<circle class="dot" cx="{}" cy="8" r="3.5"/>', axis(value)),
    ]
    return _svg(120, 16, f"{number(low)} to {number(high)}", drawn, "spark")


def _m(text: str, *values: object) -> Markup:
    return Markup(text).format(*values)


def _svg(width: int, height: int, title: str, parts: Sequence[Markup], kind: str = "chart") -> Markup:
    head = _m('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">', kind, width, height, title)
    return head + Markup("").join(parts) + Markup("</svg>")
