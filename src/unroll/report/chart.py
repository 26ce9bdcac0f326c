"""Charts as inline SVG, which the style sheet of the page colours. Numbers are shown as tooltips.

All text is escaped by `Markup.format`. Coordinates are rounded, so that equal numbers give equal bytes.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT, MAP_SIZE = 420, 260, 640
"""Sizes in pixels, close to the width that the page gives them, so that text keeps its size."""
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 40
"""Margins in pixels."""
COLORS = 10
"""The number of colours of page.css."""


@dataclass(frozen=True)
class Trace:
    """The points of one model in a chart."""

    name: str
    """The name of the model."""
    color: int
    """The number of a colour of the page; a model has the same colour in all charts of its group."""
    points: Sequence[tuple[float, float]]
    """The points (x, y)."""
    errors: Sequence[float] = ()
    """Half the height of the band around each point; empty for no band."""
    dots: bool = False
    """Whether to draw dots instead of a line."""
    marked: bool = True
    """Whether each point of a line is marked by a dot, which shows its numbers."""


@dataclass(frozen=True)
class Axis:
    """A map from numbers to pixels."""

    low: float
    """The number at `start`."""
    high: float
    """The number at `end`."""
    start: float
    """The pixel of `low`."""
    end: float
    """The pixel of `high`."""
    log: bool = False
    """Whether the axis is logarithmic."""

    def pixel(self, value: float) -> str:
        """Return the pixel of a number, with one decimal."""
        low, high, at = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        return f"{self.start + (self.end - self.start) * (at - low) / ((high - low) or 1):.1f}"

    def ticks(self) -> list[float]:
        """Return round numbers within the axis.

        They are 1, 2 or 5 times powers of ten. On a logarithmic axis of at least two octaves they are powers of ten, or
        of two if it has few decades.
        """
        if self.log and self.high >= 4 * self.low:
            base = 2.0 if self.high / self.low < 300 else 10.0
            first, last = math.ceil(math.log(self.low, base) - 1e-9), math.floor(math.log(self.high, base) + 1e-9)
            return [base**power for power in range(first, last + 1, 1 + (last - first) // 10)]
        step = (self.high - self.low or 1) / 5
        power = 10 ** math.floor(math.log10(step))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step)
        return [step * n for n in range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)]


def assign_colors(names: Iterable[str]) -> dict[str, int]:
    """Return a colour of the page for each name; colours repeat if there are more names than colours."""
    return {name: index % COLORS for index, name in enumerate(names)}


def format_number(value: float) -> str:
    """Return three significant digits, or a whole number with separators if it has from four to nine digits."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.3g}"


def draw_lines(
    traces: Sequence[Trace],
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
    limits: tuple[float, float] | None = None,
    mark: float | None = None,
) -> Markup:
    """Draw a line or dots for each trace.

    Args:
        traces: The traces. On a logarithmic axis all numbers are positive, and no trace has errors.
        x_label: The label of the x axis.
        y_label: The label of the y axis.
        log_x: Whether the x axis is logarithmic.
        log_y: Whether the y axis is logarithmic.
        limits: The ends of the y axis; None to fit it to the traces.
        mark: The number on the x axis that a dashed line marks; None for no line.

    Returns:
        The chart, empty if no trace has points.
    """
    traces = [trace for trace in traces if trace.points]
    if not traces:
        return Markup("")
    xs = [x for trace in traces for x, _ in trace.points]
    ys = [
        y + side * error
        for trace in traces
        for (_, y), error in zip(trace.points, _errors(trace), strict=True)
        for side in (-1, 1)
    ]
    pad = (max(ys) - min(ys) or 1) * 0.06
    x = Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT, log_x)
    low, high = (min(ys) / 1.2, max(ys) * 1.2) if log_y else (min(ys) - pad, max(ys) + pad)
    y = Axis(*(limits or (low, high)), HEIGHT - BOTTOM, TOP, log_y)
    parts = [_draw_frame(x, y, x_label, y_label)]
    if mark is not None:
        line = '<line class="mark" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
        parts.append(_markup(line, x.pixel(mark), TOP, HEIGHT - BOTTOM))
    for trace in traces:
        parts += _draw_trace(trace, x, y)
    return _svg(WIDTH, HEIGHT, f"{y_label} by {x_label}", parts)


def _draw_trace(trace: Trace, x: Axis, y: Axis) -> list[Markup]:
    parts = []
    errors = _errors(trace)
    if any(errors):
        upper = [f"{x.pixel(a)},{y.pixel(b + e)}" for (a, b), e in zip(trace.points, errors, strict=True)]
        lower = [f"{x.pixel(a)},{y.pixel(b - e)}" for (a, b), e in zip(trace.points, errors, strict=True)]
        parts.append(_markup('<polygon class="band c{}" points="{}"/>', trace.color, " ".join(upper + lower[::-1])))
    if not trace.dots:
        path = " ".join(f"{x.pixel(a)},{y.pixel(b)}" for a, b in trace.points)
        parts.append(_markup('<polyline class="line c{}" points="{}"/>', trace.color, path))
    radius = "4" if trace.dots else "2.5"
    dot = '<circle class="dot c{}" cx="{}" cy="{}" r="{}"><title>{}: {} at {}</title></circle>'
    for a, b in trace.points if trace.marked or trace.dots else ():
        tooltip = trace.name, format_number(b), format_number(a)
        parts.append(_markup(dot, trace.color, x.pixel(a), y.pixel(b), radius, *tooltip))
    return parts


def _errors(trace: Trace) -> Sequence[float]:
    return trace.errors or [0.0] * len(trace.points)


def _draw_frame(x: Axis, y: Axis, x_label: str, y_label: str) -> Markup:
    parts = []
    grid = '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>'
    for tick in y.ticks():
        at, text = y.pixel(tick), format_number(tick)
        parts.append(_markup(grid, LEFT, WIDTH - RIGHT, at, at))
        parts.append(_markup('<text x="{}" y="{}" dy=".32em" text-anchor="end">{}</text>', LEFT - 6, at, text))
    for tick in x.ticks():
        at, text = x.pixel(tick), format_number(tick)
        parts.append(_markup('<text x="{}" y="{}" text-anchor="middle">{}</text>', at, HEIGHT - 24, text))
    label = '<text x="{}" y="{}" text-anchor="{}" class="label">{}</text>'
    parts.append(_markup(label, WIDTH - RIGHT, HEIGHT - 6, "end", x_label))
    parts.append(_markup(label, 0, HEIGHT - 6, "start", "↑ " + y_label))
    return Markup("").join(parts)


@dataclass(frozen=True)
class Bar:
    """A row of a bar chart."""

    name: str
    """The name of the model."""
    color: int
    """The number of a colour of the page."""
    value: float
    """The length of the bar."""
    low: float
    """The lower end of the interval of the value."""
    high: float
    """The upper end of the interval of the value."""
    mark: float | None = None
    """A value to compare with, drawn as a dashed mark; None for no mark."""


def draw_bars(rows: Sequence[Bar], label: str, mark_label: str = "") -> Markup:
    """Draw a horizontal bar from zero for each row, with its interval.

    Args:
        rows: The rows, from top to bottom.
        label: The label of the axis.
        mark_label: What the dashed marks show.

    Returns:
        The chart.
    """
    row_height, left = 34, 150
    height = row_height * len(rows) + 30
    largest = max([row.high for row in rows] + [row.mark or 0.0 for row in rows]) or 1.0
    x = Axis(0, largest * 1.22, left, WIDTH - RIGHT)
    parts = []
    for index, row in enumerate(rows):
        middle = row_height * index + row_height / 2
        parts.append(_markup('<text x="{}" y="{}" dy=".32em" text-anchor="end">{}</text>', left - 8, middle, row.name))
        bar = '<rect class="bar c{}" x="{}" y="{}" width="{:.1f}" height="18" rx="3">'
        parts.append(_markup(bar, row.color, left, middle - 9, max(0.0, float(x.pixel(row.value)) - left)))
        numbers = map(format_number, (row.value, row.low, row.high))
        parts.append(_markup("<title>{}: {} ({} to {})</title></rect>", row.name, *numbers))
        whisker = '<line class="whisker" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        parts.append(_markup(whisker, x.pixel(row.low), x.pixel(row.high), middle, middle))
        if row.mark is not None:
            mark = '<line class="mark" x1="{0}" x2="{0}" y1="{1}" y2="{2}"><title>{3}: {4}</title></line>'
            at, text = x.pixel(row.mark), format_number(row.mark)
            parts.append(_markup(mark, at, middle - 13, middle + 13, mark_label, text))
        number = '<text x="{}" y="{}" dy=".32em" dx="8">{}</text>'
        parts.append(_markup(number, x.pixel(row.high), middle, format_number(row.value)))
    caption = label + (f" · dashed: {mark_label}" if mark_label else "")
    parts.append(_markup('<text x="{}" y="{}" class="label">{}</text>', 0, height - 8, caption))
    return _svg(WIDTH, height, label, parts)


def draw_map(places: Sequence[tuple[str, float, float]]) -> Markup:
    """Draw each text at its place (text, x, y); the map is empty without places."""
    if not places:
        return Markup("")
    x = Axis(min(p[1] for p in places), max(p[1] for p in places), 30, MAP_SIZE - 30)
    y = Axis(min(p[2] for p in places), max(p[2] for p in places), MAP_SIZE - 16, 16)
    place = '<text class="place" x="{}" y="{}" text-anchor="middle">{}</text>'
    parts = [_markup(place, x.pixel(a), y.pixel(b), text) for text, a, b in places]
    return _svg(MAP_SIZE, MAP_SIZE, "map of tokens", parts)


def draw_interval(low: float, value: float, high: float, axis: Axis) -> Markup:
    """Draw a value with its interval on an axis of 120 pixels, for a cell of a table."""
    parts = [
        _markup('<line class="whisker" x1="{}" x2="{}" y1="8" y2="8"/>', axis.pixel(low), axis.pixel(high)),
        _markup('<circle class="dot" cx="{}" cy="8" r="3.5"/>', axis.pixel(value)),
    ]
    return _svg(120, 16, f"{format_number(low)} to {format_number(high)}", parts, "spark")


def _markup(text: str, *values: object) -> Markup:
    return Markup(text).format(*values)


def _svg(width: int, height: int, title: str, parts: Sequence[Markup], kind: str = "chart") -> Markup:
    head = _markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">', kind, width, height, title)
    return head + Markup("").join(parts) + Markup("</svg>")
