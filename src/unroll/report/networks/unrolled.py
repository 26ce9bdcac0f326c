"""Networks unrolled over three steps of a text: recurrent and bidirectional ones, windows and transformers."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unroll.report.networks.canvas import Canvas, shorten
from unroll.report.networks.cells import NAMES

if TYPE_CHECKING:
    from unroll.models.bidirectional.params import BidirectionalParams
    from unroll.models.recurrent.params import RecurrentParams
    from unroll.models.transformer.params import TransformerParams
    from unroll.models.window.params import WindowParams

WIDTH = 660
COLUMNS = (150, 335, 520)
"""The places of the three steps."""
ROW, HALF = 72, 17
"""The distance of two rows, and half the height of a box."""
NARROW = 74
"""The width of a box of one of two directions."""
MAX_LAYERS = 3
"""The number of layers that are drawn; of more, the first and the last."""
Level = tuple[str, int]
"""The text of the boxes of a layer, and the size of their outputs; an empty text stands for layers left out."""


def layer_sizes(params: "RecurrentParams | BidirectionalParams") -> list[int]:
    """Return the size of each layer."""
    sizes = params.hidden_size
    return sizes if isinstance(sizes, list) else [sizes] * params.layers


def shown_layers(texts: Sequence[str], sizes: Sequence[int]) -> list[Level]:
    """Return the layers to draw, from the first to the last."""
    levels = list(zip(texts, sizes, strict=True))
    return levels if len(levels) <= MAX_LAYERS else [levels[0], ("", sizes[-2]), levels[-1]]


class Rows:
    """The heights of the rows of a diagram, from the bottom to the top."""

    def __init__(self, count: int) -> None:
        """Make `count` rows below a title."""
        self.height = 56 + ROW * (count - 1) + 30
        self._bottom = self.height - 26

    def __getitem__(self, row: int) -> int:
        """Return the height of the middle of a row; row 0 is the lowest."""
        return self._bottom - ROW * row


def draw_input(
    canvas: Canvas, x: int, rows: Rows, token: str, embedding: int | str, vocabulary: int | None, width: int = 110
) -> int | None:
    """Draw a token and its vector, and return the size of the vector; no size of a vocabulary that is not known."""
    canvas.text(x, rows[0], shorten(token))
    canvas.line((x, rows[0] - 12), (x, rows[1] + HALF))
    if vocabulary is not None:
        canvas.text(x + 7, rows[0] - 26, f"1 of {vocabulary:,}", "start", "size")
    if isinstance(embedding, str):
        canvas.box(x, rows[1], "one-hot", width, kind="table")
        return vocabulary
    canvas.box(x, rows[1], "embedding", width, kind="table")
    return embedding


def draw_up(canvas: Canvas, start: tuple[int, int], end: int, size: int | None, above: bool = False) -> None:
    """Draw an arrow from the top of a box at `start` to the bottom of the one above at height `end`.

    The size stands in the middle, or above it, where the diagonal arrows of a transformer do not cross it.
    """
    x, y = start
    canvas.line((x, y - HALF), (x, end + HALF))
    if size is not None:
        canvas.text(x + 7, end + HALF + 8 if above else (y + end) // 2, f"{size:,}", "start", "size")


def draw_output(canvas: Canvas, x: int, y: int, vocabulary: int, token: str, width: int = 110) -> None:
    """Draw a softmax at (x, y) and the token that it predicts."""
    canvas.box(x, y, "softmax", width, kind="output")
    canvas.line((x, y - HALF), (x, y - ROW + 12))
    canvas.text(x + 7, y - ROW // 2, f"{vocabulary:,}", "start", "size")
    canvas.text(x, y - ROW, f"p({shorten(token, width // 9)})")


def note_tied(tied: bool) -> str:
    """Return what the title says about shared weights."""
    return "; softmax and embedding share weights" if tied else ""


def draw_recurrent(params: "RecurrentParams", vocabulary: int, tokens: Sequence[str]) -> Canvas:
    """Draw a recurrent language model.

    Args:
        params: Its settings.
        vocabulary: The number of its tokens.
        tokens: The tokens that it reads and, from the second on, predicts: four of them.

    Returns:
        The diagram.
    """
    sizes, attention = layer_sizes(params), params.attention
    levels = shown_layers([NAMES[params.cell]] * len(sizes), sizes)
    rows = Rows(len(levels) + (attention.kind != "none") + 4)
    canvas = Canvas(WIDTH, rows.height, "a recurrent network, unrolled over three steps")
    kept = f"{params.layers} layer{'s' if params.layers > 1 else ''}"
    kept += ", each but the first adds its input" if params.residual and params.layers > 1 else ""
    canvas.text(24, 18, kept + note_tied(params.tie_weights), "start", "note")
    for x, token, target in zip(COLUMNS, tokens, tokens[1:], strict=False):
        size = draw_input(canvas, x, rows, token, params.embedding_size, vocabulary)
        top = 1
        for row, (_, output) in enumerate(levels, start=2):
            draw_up(canvas, (x, rows[row - 1]), rows[row], size)
            top, size = row, output
        if attention.kind != "none":
            draw_up(canvas, (x, rows[top]), rows[top + 1], size)
            top += 1
        draw_up(canvas, (x, rows[top]), rows[top + 1], size)
        draw_output(canvas, x, rows[top + 1], vocabulary, target)
    for row, (text, size) in enumerate(levels, start=2):
        draw_chain(canvas, COLUMNS, rows[row], text, size, params.cell == "lstm")
    if attention.kind != "none":
        label = f"attention ({attention.kind}) to the {attention.context:,} states before, added to the state"
        canvas.box(335, rows[len(levels) + 2], label, 500, kind="attention")
    return canvas


def draw_chain(
    canvas: Canvas,
    columns: Sequence[int],
    y: int,
    text: str,
    size: int,
    is_lstm: bool,
    ends: tuple[str, str] = ("0", "…"),
    width: int = 110,
    backward: bool = False,
) -> None:
    """Draw the boxes of one layer at several steps, and the state that each hands to the next.

    Args:
        canvas: The diagram.
        columns: The places of the steps.
        y: The height.
        text: The text in the boxes; dots without a box for layers left out.
        size: The size of the state.
        is_lstm: Whether the state has two vectors.
        ends: What is left of the first box, and right of the last one; an empty text for no arrow.
        width: The width of the boxes.
        backward: Whether the states go from right to left.
    """
    if not text:
        for x in columns:
            canvas.text(x, y, "⋮")
        return
    label = f"{'2 × ' if is_lstm else ''}{size:,}"
    half, reach = width // 2, 42
    gaps = [(a + half, b - half) for a, b in itertools.pairwise(columns)]
    if ends[0]:
        gaps.insert(0, (columns[0] - half - reach, columns[0] - half))
        canvas.text(columns[0] - half - reach - 8, y, ends[0], "end")
    if ends[1]:
        gaps.append((columns[-1] + half, columns[-1] + half + reach))
        canvas.text(columns[-1] + half + reach + 8, y, ends[1], "start")
    for left, right in gaps:
        canvas.line(*((right, y), (left, y)) if backward else ((left, y), (right, y)))
    for left, right in gaps[bool(ends[0]) : len(gaps) - bool(ends[1])]:
        canvas.text((left + right) // 2, y - 11, label, "middle", "size")
    for x in columns:
        canvas.box(x, y, text, width)


def draw_bidirectional(params: "BidirectionalParams", vocabulary: int, tokens: Sequence[str]) -> Canvas:
    """Draw a language model of each direction with a shared embedding and softmax; the arguments are as above."""
    sizes = layer_sizes(params)
    levels = shown_layers([NAMES[params.cell].partition(" ")[0]] * len(sizes), sizes)
    rows = Rows(len(levels) + 4)
    canvas = Canvas(WIDTH, rows.height, "a bidirectional network, unrolled over three steps")
    kept = f"{params.layers} layer{'s' if params.layers > 1 else ''} for each direction"
    canvas.text(24, 18, f"{kept}; both directions share embedding and softmax", "start", "note")
    lanes = ((-46, 1), (46, -1))
    before, after = ["", *tokens[1:3]], [*tokens[2:4], "x4"]  # nothing is before the first token
    for column, x in enumerate(COLUMNS):
        size = draw_input(canvas, x, rows, tokens[column + 1], params.embedding_size, vocabulary)
        for lane, targets in zip(lanes, (after, before), strict=True):
            place, width = x + lane[0], size
            canvas.line((x, rows[1] - HALF), (x, rows[1] - 27), (place, rows[1] - 27), (place, rows[2] + HALF))
            for row, (_, output) in enumerate(levels, start=2):
                if row > 2:
                    draw_up(canvas, (place, rows[row - 1]), rows[row], width)
                width = output
            if targets[column]:
                draw_up(canvas, (place, rows[len(levels) + 1]), rows[len(levels) + 2], width)
                draw_output(canvas, place, rows[len(levels) + 2], vocabulary, targets[column], NARROW)
        canvas.text(x, rows[1] - 36, f"{size:,}", "middle", "size")
    for row, (text, _) in enumerate(levels, start=2):
        for offset, direction in lanes:
            places = [x + offset for x in COLUMNS]
            for x in places:
                if text:
                    canvas.box(x, rows[row], f"{'→' if direction > 0 else '←'} {text}", NARROW)
                else:
                    canvas.text(x, rows[row], "⋮")
            # The states of one direction pass behind the boxes of the other one.
            for left, right in itertools.pairwise(places) if text else ():
                y = rows[row] - 8 * direction
                canvas.line(*((left + NARROW // 2, y), (right - NARROW // 2, y))[::direction])
    return canvas


def draw_window(params: "WindowParams", vocabulary: int, tokens: Sequence[str]) -> Canvas:
    """Draw a window network at one step, which reads at most three tokens of the text; the arguments are as above."""
    width = params.window
    rows = Rows(6)
    canvas = Canvas(WIDTH, rows.height, "a window network at one step")
    canvas.text(24, 18, f"One step with a window of {width:,} tokens{note_tied(params.tie_weights)}", "start", "note")
    places = COLUMNS[-min(width, len(COLUMNS)) :]
    size = vocabulary if params.embedding_size == "one_hot" else params.embedding_size
    for x, token in zip(places, tokens[:3][-len(places) :], strict=True):
        draw_input(canvas, x, rows, token, params.embedding_size, vocabulary)
        draw_up(canvas, (x, rows[1]), rows[2], size)
    if width > len(COLUMNS):
        canvas.text(46, rows[1], f"… {width - len(COLUMNS):,} more")
    total = width * size
    canvas.box(335, rows[2], f"one vector of {width:,} × {size:,} = {total:,} values", 500, kind="table")
    draw_up(canvas, (335, rows[2]), rows[3], total)
    canvas.box(335, rows[3], "tanh(d + H x)", 130)
    draw_up(canvas, (335, rows[3]), rows[4], params.hidden_size)
    draw_output(canvas, 335, rows[4], vocabulary, tokens[3], 130)
    if params.direct_connections:
        canvas.line((520, rows[2] - HALF), (520, rows[4]), (400, rows[4]))
        canvas.text(527, rows[3], "direct connections", "start", "size")
    return canvas


def draw_transformer(params: "TransformerParams", vocabulary: int, tokens: Sequence[str]) -> Canvas:
    """Draw a transformer; the arguments are as above."""
    size = params.hidden_size
    levels = shown_layers(["block"] * params.layers, [size] * params.layers)
    rows = Rows(len(levels) + 4)
    canvas = Canvas(WIDTH, rows.height, "a transformer, unrolled over three steps")
    kept = f"{params.layers} block{'s' if params.layers > 1 else ''}, unrolled over three steps"
    canvas.text(24, 18, kept + note_tied(params.tie_weights), "start", "note")
    for column, x in enumerate(COLUMNS):
        draw_input(canvas, x, rows, tokens[column], size, vocabulary)
        for row, (text, _) in enumerate(levels, start=2):
            below, own = rows[row - 1] - HALF, rows[row] + HALF
            for distance in range(1, min(column + 1, params.context)):
                if text:
                    shift = 12 * distance
                    canvas.line((COLUMNS[column - distance], below), (x - shift, own), kind="faint")
            draw_up(canvas, (x, rows[row - 1]), rows[row], size, above=True)
            canvas.box(x, rows[row], text) if text else canvas.text(x, rows[row], "⋮")
        draw_up(canvas, (x, rows[len(levels) + 1]), rows[len(levels) + 2], size)
        draw_output(canvas, x, rows[len(levels) + 2], vocabulary, tokens[column + 1])
    return canvas
