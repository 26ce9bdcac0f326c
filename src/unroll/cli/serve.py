"""The verbs serve and draw: a web page for trained models, and a diagram of a network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unroll.cli.app import ModelArgument, decode_text, verb
from unroll.cli.io import write_text
from unroll.errors import UnrollError

if TYPE_CHECKING:
    from unroll.use import TextModel


@verb("unroll serve lstm kneser5 hmm")
def serve(
    models: Annotated[list[Path], typer.Argument(help="Trained models: their folders, or their names under models/.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the page.")] = 8000,
) -> None:
    """Serve a web page with the predictions of several models.

    Only this machine can reach the page.
    """
    from unroll.serve.app import run
    from unroll.use import load
    from unroll.use.capabilities import raise_unsupported, supported_verbs

    loaded = {model.folder.name: model for model in map(load, models)}
    if len(loaded) < len(models):
        raise UnrollError("serve: two models have the same name; name each model once")
    for model in loaded.values():
        if not {"score", "translate"} & set(supported_verbs(model.model)):
            raise_unsupported(model.model, model.folder, "serve")
    run(loaded, port)


@verb("unroll draw lstm lstm.svg", 'unroll draw seq2seq_attention translator.svg --text "the woman reads the book."')
def draw(
    model: ModelArgument,
    file: Annotated[Path, typer.Argument(help="The SVG file to write.", show_default=False)],
    text: Annotated[
        str,
        typer.Option(
            callback=decode_text,
            help="A text whose first tokens are shown; a translator also shows its translation.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Draw a network from its settings: unrolled over three steps, and one step of its cell.

    The numbers at the arrows are the sizes of vectors.
    """
    from unroll.report.networks.canvas import render_file
    from unroll.report.networks.draw import FAMILIES, draw_network
    from unroll.use import load

    if file.suffix != ".svg":
        raise UnrollError(f"{file}: is no name of an SVG file; name one that ends in .svg")
    loaded = load(model)
    network = loaded.model
    params = getattr(network, "params", None)
    vocabularies: Any = getattr(network, "vocabulary_sizes", (None, getattr(network, "vocabulary_size", 0)))
    if getattr(params, "family", "") not in FAMILIES:
        raise UnrollError(
            f"{loaded.folder}: is no network with a diagram; name a model of family {', '.join(FAMILIES)}"
        )
    parts = draw_network(params, vocabularies, *_tokens(loaded, text))
    write_text(file, render_file(parts, f"{loaded.folder.name}: {network.parameters:,} parameters"))


def _tokens(loaded: "TextModel", text: str) -> tuple[list[str], list[str]]:
    """Return the tokens of a text and of its source; those of a translation and of its text for a translator."""
    from unroll.models.base.protocol import ConditionalModel

    if not text.strip() or not isinstance(loaded.model, ConditionalModel):
        return [loaded.spellings[token] for token in loaded.encode(text)], []
    source = [loaded.source.id_to_token(token) for token in loaded.source.encode(loaded.cleaner(text))]
    return [loaded.spellings[token] for token in loaded.encode(loaded.translate([text])[0])], source
