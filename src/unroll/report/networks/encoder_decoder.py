"""An encoder-decoder, unrolled over three source and three target tokens."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unroll.report.networks.canvas import Canvas
from unroll.report.networks.cells import NAMES
from unroll.report.networks.unrolled import (
    Rows,
    draw_chain,
    draw_input,
    draw_output,
    draw_up,
    note_tied,
    shown_layers,
)

if TYPE_CHECKING:
    from unroll.models.seq2seq.params import Seq2seqParams

WIDTH = 880
SOURCE, TARGET = (80, 215, 350), (525, 660, 795)
BOX, TABLE = 76, 88


def draw_encoder_decoder(
    params: "Seq2seqParams", vocabularies: tuple[int | None, int], source: Sequence[str], target: Sequence[str]
) -> Canvas:
    """Draw an encoder-decoder.

    Args:
        params: Its settings.
        vocabularies: The numbers of tokens of the source, or None if it is not known, and of the target.
        source: Three tokens that the encoder reads.
        target: Four tokens that the decoder reads and, from the second on, predicts.

    Returns:
        The diagram.
    """
    size, attends = params.hidden_size, params.attention != "none"
    name = NAMES[params.cell].replace(" (tanh)", "")
    levels = shown_layers([name] * params.layers, [size] * params.layers)
    rows = Rows(len(levels) + attends + 4)
    canvas = Canvas(WIDTH, rows.height, "an encoder-decoder, unrolled over three tokens of each side")
    both = f", {size // 2:,} for each direction" if params.bidirectional else ""
    kept = f"Encoder (left{both}) and decoder (right) of "
    kept += f"{params.layers} layer{'s' if params.layers > 1 else ''}{note_tied(params.tie_weights)}"
    kept += "; each output o also enters the next step" if params.input_feeding else ""
    canvas.text(24, 18, kept, "start", "note")
    top = len(levels) + 1
    for columns, tokens, vocabulary in ((SOURCE, source, vocabularies[0]), (TARGET, target, vocabularies[1])):
        for x, token in zip(columns, tokens, strict=False):
            width = draw_input(canvas, x, rows, token, params.embedding_size, vocabulary, TABLE)
            for row, (_, output) in enumerate(levels, start=2):
                draw_up(canvas, (x, rows[row - 1]), rows[row], width)
                width = output
            if attends:
                draw_up(canvas, (x, rows[top]), rows[top + 1], size)
    for row, (text, _) in enumerate(levels, start=2):
        for columns in (SOURCE, TARGET):
            draw_chain(canvas, columns, rows[row], text, size, params.cell == "lstm", ("", ""), BOX)
        if not text:
            continue
        canvas.line((SOURCE[-1] + BOX // 2, rows[row]), (TARGET[0] - BOX // 2, rows[row]))
        label = f"z*: {'2 × ' if params.cell == 'lstm' else ''}{size:,}"
        canvas.text((SOURCE[-1] + TARGET[0]) // 2, rows[row] - 11, label, "middle", "size")
        if params.bidirectional:
            for left, right in itertools.pairwise(SOURCE):
                y = rows[row] + 10
                canvas.line((right - BOX // 2, y), (left + BOX // 2, y))
    if attends:
        text = f"attention ({params.attention}): o = tanh(W [h; c]), c a weighted mean of all encoder outputs"
        canvas.box((SOURCE[0] + TARGET[-1]) // 2, rows[top + 1], text, TARGET[-1] - SOURCE[0] + BOX, kind="attention")
    for x, token in zip(TARGET, target[1:], strict=False):
        draw_up(canvas, (x, rows[top + attends]), rows[top + attends + 1], size)
        draw_output(canvas, x, rows[top + attends + 1], vocabularies[1], token, TABLE)
    return canvas
