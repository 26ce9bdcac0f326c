"""The verb classify: the class of each text."""

from typing import Annotated

import typer

from unroll.cli.app import STDIN, FileArgument, JsonOption, ModelArgument, verb
from unroll.cli.io import batch_items, escape_control, print_json, read_texts

BATCH_SIZE = 256


@verb("unroll classify naive_bayes my.txt")
def classify(
    model: ModelArgument,
    file: FileArgument = STDIN,
    all_classes: Annotated[bool, typer.Option("--all", help="Print every class with its probability.")] = False,
    json: JsonOption = False,
) -> None:
    """Print the most probable class of each line."""
    from unroll.use import load

    loaded = load(model)
    for texts in batch_items(read_texts(file), BATCH_SIZE):
        for text, probabilities in zip(texts, loaded.classify(texts), strict=True):
            label, probability = next(iter(probabilities.items()))
            if json:
                row = {"text": text, "class": label, "probability": probability}
                print_json(row | ({"all": probabilities} if all_classes else {}))
            elif all_classes:
                columns = [f"{escape_control(name)} {p:.4f}" for name, p in probabilities.items()]
                print("\t".join([*columns, escape_control(text)]))
            else:
                print(f"{escape_control(label)}\t{probability:.4f}\t{escape_control(text)}")
