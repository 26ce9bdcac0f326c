"""The verb classify: the class of each text."""

from typing import Annotated

import typer

from unroll.cli.app import STDIN, FileArgument, JsonOption, ModelArgument, verb
from unroll.cli.io import batch_items, print_json, read_texts, skip_blank
from unroll.printing import print_row

BATCH_SIZE = 256


@verb("unroll classify naive_bayes my.txt")
def classify(
    model: ModelArgument,
    file: FileArgument = STDIN,
    all_classes: Annotated[bool, typer.Option("--all", help="Print every class with its probability.")] = False,
    json: JsonOption = False,
) -> None:
    """Print the most probable class of each line. A blank line has no class."""
    from unroll.use import load

    loaded = load(model)
    for texts in batch_items(read_texts(file), BATCH_SIZE):
        for text, probabilities in zip(texts, skip_blank(loaded.classify, texts), strict=True):
            label, probability = next(iter(probabilities.items())) if probabilities else (None, None)
            if json:
                row = {"text": text, "class": label, "probability": probability}
                print_json(row | ({"all": probabilities} if all_classes else {}))
            elif probabilities is None:
                print_row(*[""] * (len(loaded.model.classes) if all_classes else 2), text)
            elif all_classes:
                print_row(*[f"{name} {p:.4f}" for name, p in probabilities.items()], text)
            else:
                print_row(str(label), f"{probability:.4f}", text)
