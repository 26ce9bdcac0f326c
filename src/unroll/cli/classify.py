"""classify: the class of each text."""

from typing import Annotated

import typer

from unroll.cli.app import Model, app, inert
from unroll.cli.text import STDIN, File, Json, batches, print_json, read_texts


@app.command()
def classify(
    model: Model,
    file: File = STDIN,
    every: Annotated[bool, typer.Option("--all", help="Every class with its probability.")] = False,
    json: Json = False,
) -> None:
    """The most probable class of each line, and its probability.

    \b
    unroll classify naive_bayes my.txt
    """
    from unroll.use import load

    loaded = load(model)
    for texts in batches(read_texts(file), 256):
        for text, found in zip(texts, loaded.classify(texts), strict=True):
            label, probability = next(iter(found.items()))
            if json:
                print_json(
                    {"text": text, "class": label, "probability": probability} | ({"all": found} if every else {})
                )
            elif every:
                print("\t".join(f"{inert(one)} {p:.4f}" for one, p in found.items()) + f"\t{inert(text)}")
            else:
                print(f"{inert(label)}\t{probability:.4f}\t{inert(text)}")
