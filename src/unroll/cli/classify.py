"""The verb classify: the class of each text."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import STDIN, FileArgument, JsonOption, ModelArgument, verb
from unroll.cli.io import batch_items, draw_attention, print_json, read_texts, skip_blank
from unroll.errors import UnrollError
from unroll.printing import print_row

if TYPE_CHECKING:
    from unroll.use import TextModel

BATCH_SIZE = 256


@verb("unroll classify naive_bayes my.txt", "unroll classify gru_classifier my.txt --attention words.png")
def classify(
    model: ModelArgument,
    file: FileArgument = STDIN,
    all_classes: Annotated[bool, typer.Option("--all", help="Print every class with its probability.")] = False,
    attention: Annotated[
        Path | None,
        typer.Option(help="Draw the attention to the words of the first line that is not blank (.png or .svg)."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print the most probable class of each line. A blank line has no class."""
    from unroll.use import load

    loaded = load(model)
    loaded.classify([])  # raises the error of an unsupported model before any input is read
    for texts in batch_items(read_texts(file), BATCH_SIZE):
        for text, probabilities in zip(texts, skip_blank(loaded.classify, texts), strict=True):
            label, probability = next(iter(probabilities.items())) if probabilities else (None, None)
            if attention and probabilities is not None:
                _draw_attention(loaded, text, attention)
                attention = None
            if json:
                row = {"text": text, "class": label, "probability": probability}
                print_json(row | ({"all": probabilities} if all_classes else {}))
            elif probabilities is None:
                print_row(*[""] * (len(loaded.model.classes) if all_classes else 2), text)
            elif all_classes:
                print_row(*[f"{name} {p:.4f}" for name, p in probabilities.items()], text)
            else:
                print_row(str(label), f"{probability:.4f}", text)


def _draw_attention(loaded: "TextModel", text: str, path: Path) -> None:
    from unroll.use.classification import map_attention

    if (found := map_attention(loaded, text)) is None:
        raise UnrollError(f"{loaded.folder}: has no attention to draw; use a model with pooling: attention")
    draw_attention(found, path)
