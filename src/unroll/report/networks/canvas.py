"""What the diagrams consist of: boxes, operations, arrows and labels, as SVG that page/network.css colours.

Coordinates are whole numbers, and y grows downwards. Arrow heads are polygons, since a marker would need an id, which
several diagrams on a page must not share.
"""

import math
import re
from pathlib import Path

from markupsafe import Markup

PAGE = Path(__file__).parents[1] / "page"
Point = tuple[int, int]
MAX_LETTERS = 12
"""The number of letters of a token that are shown."""
HEAD = 7
"""The length of an arrow head in pixels."""
RADIUS = 11
"""The radius of an operation in pixels."""


def sub(name: str, index: str | int) -> Markup:
    """Return a name with a subscript."""
    return Markup('{}<tspan class="sub" dy="3">{}</tspan>').format(name, index)


def shorten(token: str, letters: int = MAX_LETTERS) -> str:
    """Return a token with at most this number of letters, and without control characters, which XML forbids."""
    shown = "".join(letter if letter.isprintable() else "·" for letter in token) if token.strip() else "␣"
    return shown if len(shown) <= letters else shown[: letters - 1] + "…"


class Canvas:
    """A diagram to draw on."""

    def __init__(self, width: int, height: int, title: str) -> None:
        """Set the size in pixels, and the title that a screen reader reads."""
        self.width, self.height, self.title = width, height, title
        self._lines: list[Markup] = []
        self._shapes: list[Markup] = []

    def text(self, x: int, y: int, text: str, anchor: str = "middle", kind: str = "") -> None:
        """Write a text whose middle is at height y; `kind` is a class of the style sheet."""
        line = '<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>'
        self._shapes.append(Markup(line).format(kind, x, y + 4, anchor, text))

    def box(self, x: int, y: int, text: str, width: int = 110, height: int = 34, kind: str = "layer") -> None:
        """Draw a box with its middle at (x, y) and a text in it."""
        rect = '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="7"/>'
        self._shapes.append(Markup(rect).format(kind, x - width // 2, y - height // 2, width, height))
        self.text(x, y, text)

    def operation(self, x: int, y: int, text: str) -> None:
        """Draw an operation on each coordinate, such as x or +, as a circle."""
        circle = '<circle class="operation" cx="{}" cy="{}" r="{}"/>'
        self._shapes.append(Markup(circle).format(x, y, RADIUS))
        self.text(x, y, text)

    def dot(self, x: int, y: int) -> None:
        """Mark a place where a line divides."""
        self._shapes.append(Markup('<circle class="join" cx="{}" cy="{}" r="3"/>').format(x, y))

    def line(self, *points: Point, head: bool = True, kind: str = "flow") -> None:
        """Draw a line through points, with an arrow head at its end."""
        path = " ".join(f"{x},{y}" for x, y in points)
        self._lines.append(Markup('<polyline class="{}" points="{}"/>').format(kind, path))
        if head:
            (x0, y0), (x1, y1) = points[-2:]
            angle = math.atan2(y1 - y0, x1 - x0)
            sides = [(x1 - HEAD * math.cos(angle + turn), y1 - HEAD * math.sin(angle + turn)) for turn in (-0.45, 0.45)]
            corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(x1, y1), *sides])
            self._lines.append(Markup('<polygon class="{} head" points="{}"/>').format(kind, corners))

    @property
    def content(self) -> Markup:
        """What was drawn. Lines lie below everything else."""
        return Markup("").join([*self._lines, *self._shapes])

    def render(self) -> Markup:
        """Return the diagram for a page, whose style sheet colours it."""
        head = '<svg class="network" viewBox="0 0 {0} {1}" style="width:{2}px" role="img" aria-label="{3}">'
        return (
            Markup(head).format(self.width, self.height, self.width * 5 // 6, self.title)
            + self.content
            + Markup("</svg>")
        )


def render_file(parts: list[Canvas], title: str) -> str:
    """Return an SVG file with diagrams one below the other, in the light colours of the page.

    Args:
        parts: The diagrams.
        title: The title of the file, which is written above them.

    Returns:
        The file. It needs no other file and no variables of CSS, which some viewers do not know.
    """
    width, top, body = max(part.width for part in parts), 44, []
    for part in parts:
        body.append(Markup('<g transform="translate(0 {})">{}</g>').format(top, part.content))
        top += part.height
    colors = (PAGE / "page.css").read_text(encoding="utf-8").partition("}")[0]
    values = dict(re.findall(r"(--[\w-]+): ([^;]+);", colors))
    style = re.sub(r"var\((--[\w-]+)\)", lambda m: values[m[1]], (PAGE / "network.css").read_text(encoding="utf-8"))
    head = '<svg xmlns="http://www.w3.org/2000/svg" class="network" viewBox="0 0 {0} {1}" width="{0}" height="{1}">'
    sheet = "<title>{2}</title><style>{3}</style>"
    ground = '<rect class="ground" width="{0}" height="{1}"/><text class="title" x="24" y="28">{2}</text>'
    whole = Markup(head + sheet + ground).format(width, top, title, Markup(style))
    return f"{whole}{Markup('').join(body)}</svg>\n"
