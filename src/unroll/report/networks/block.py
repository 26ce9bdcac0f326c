"""A block of a transformer: attention and a feedforward network, each with a layer norm and a residual connection."""

from typing import TYPE_CHECKING

from unroll.report.networks.canvas import RADIUS, Canvas

if TYPE_CHECKING:
    from unroll.models.transformer.params import TransformerParams

WIDTH, HEIGHT = 660, 190
LINE, ABOVE = 130, 70
"""The heights of the residual line and of the sublayers."""


def draw_block(params: "TransformerParams") -> Canvas:
    """Draw one block, from left to right.

    Args:
        params: The settings of the transformer.

    Returns:
        The diagram, with the sizes of the vectors at the arrows.
    """
    size, heads = params.hidden_size, params.heads
    canvas = Canvas(WIDTH, HEIGHT, "a block of a transformer")
    canvas.text(24, 18, "One block; the vectors of the positions before enter its attention", "start", "note")
    canvas.text(34, LINE, f"{size:,}", "middle", "size")
    left = 54
    for start, norm, body, text, sizes in (
        (80, 125, 250, "attention", f"{heads} head{'s' if heads > 1 else ''} of {size // heads:,}"),
        (360, 405, 530, "feedforward", f"{size:,} → {params.feedforward_size:,} → {size:,}"),
    ):
        end = start + 250
        canvas.line((left, LINE), (end - RADIUS, LINE))
        canvas.dot(start, LINE)
        canvas.line((start, LINE), (start, ABOVE), (norm - 25, ABOVE))
        canvas.box(norm, ABOVE, "norm", 50, kind="table")
        canvas.line((norm + 25, ABOVE), (body - 66, ABOVE))
        canvas.box(body, ABOVE, text, 132, kind="attention" if start == 80 else "layer")
        canvas.text(body, ABOVE + 28, sizes, "middle", "size")
        canvas.line((body + 66, ABOVE), (end, ABOVE), (end, LINE - RADIUS))
        canvas.operation(end, LINE, "+")
        left = end + RADIUS
    canvas.line((left, LINE), (640, LINE))
    n = params.context
    reach = f"itself and the {n - 1:,} before it" if n > 1 else "itself only"
    canvas.text(24, 172, f"Each position attends to {reach}.", "start", "note")
    return canvas
