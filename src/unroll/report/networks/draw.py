"""The diagram of a network of any family, drawn from its settings and the sizes of its vocabularies."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from unroll.params.experiments import SeedParams
from unroll.report.networks.block import draw_block
from unroll.report.networks.canvas import Canvas
from unroll.report.networks.cells import draw_cell
from unroll.report.networks.encoder_decoder import draw_encoder_decoder
from unroll.report.networks.unrolled import (
    draw_bidirectional,
    draw_recurrent,
    draw_transformer,
    draw_window,
    layer_sizes,
)
from unroll.text.tokenizers.vocabulary import BOS, SPECIAL

STEPS = 3
"""The number of steps that are drawn."""
FAMILIES = ("recurrent", "bidirectional", "window", "transformer", "seq2seq")
"""The families that have a diagram."""


def draw_network(
    params: Any, vocabularies: tuple[int | None, int], tokens: Sequence[str] = (), source: Sequence[str] = ()
) -> list[Canvas]:
    """Draw a network: unrolled over three steps, and one step of its cell.

    Args:
        params: The settings of a model of one of `FAMILIES`.
        vocabularies: The numbers of tokens of the source, which only translations have and which may be unknown, and of
            the target.
        tokens: The first tokens of the text, for translations of the target; those that are missing are x_1, x_2, ..
        source: The first tokens of the source, for translations.

    Returns:
        The diagrams; none for another family.
    """
    read = [SPECIAL[BOS], *_fill(tokens, "x")]
    size = vocabularies[1]
    match params.family:
        case "recurrent":
            return [draw_recurrent(params, size, read), _first_cell(params, size)]
        case "bidirectional":
            return [draw_bidirectional(params, size, read), _first_cell(params, size)]
        case "window":
            return [draw_window(params, size, read)]
        case "transformer":
            return [draw_transformer(params, size, read), draw_block(params)]
        case "seq2seq":
            unrolled = draw_encoder_decoder(params, vocabularies, _fill(source, "e"), read)
            inputs = size if params.embedding_size == "one_hot" else params.embedding_size
            fed = params.hidden_size if params.input_feeding else 0
            return [unrolled, draw_cell(params.cell, inputs + fed, params.hidden_size, "the decoder's first layer")]
        case _:
            return []


def draw_families(
    experiments: Mapping[str, Any],
    vocabularies: Mapping[str, int],
    texts: Mapping[str, tuple[Sequence[str], Sequence[str]]],
) -> list[tuple[str, list[Markup]]]:
    """Draw the first network of each family, cell and kind of attention.

    Args:
        experiments: The settings of each model, by name.
        vocabularies: The number of tokens of each model that is drawn; others are left out.
        texts: The first tokens of a text and of its source, by model; models and tokens may be missing.

    Returns:
        The names of the models, each with its diagrams.
    """
    drawn: dict[tuple[str, ...], tuple[str, list[Markup]]] = {}
    for name, params in experiments.items():
        target, source = texts.get(name, ((), ()))
        if name not in vocabularies or isinstance(params, SeedParams):  # another seed draws the same network
            continue
        if not (parts := draw_network(params, (None, vocabularies[name]), target, source)):
            continue
        attention = getattr(params, "attention", "none")
        kind = attention if isinstance(attention, str) else attention.kind
        drawn.setdefault((params.family, getattr(params, "cell", ""), kind), (name, [part.render() for part in parts]))
    return list(drawn.values())


def _first_cell(params: Any, vocabulary: int) -> Canvas:
    """Draw the cell of the first layer of a recurrent or bidirectional network."""
    inputs = vocabulary if params.embedding_size == "one_hot" else params.embedding_size
    return draw_cell(params.cell, inputs, layer_sizes(params)[0])


def _fill(tokens: Sequence[str], name: str) -> list[str]:
    """Return the first tokens, and names for those that are missing."""
    return [*tokens[:STEPS], *(f"{name}{n}" for n in range(len(tokens[:STEPS]) + 1, STEPS + 1))]
