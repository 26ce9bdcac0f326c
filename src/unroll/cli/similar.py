"""similar and analogy: what vectors of words say."""

from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import Model, app, inert
from unroll.cli.text import Json, print_json

if TYPE_CHECKING:
    from unroll.use.neighbours import Neighbour

Count = Annotated[int, typer.Option("--count", min=1, max=1000, help="Words to print.")]
Word = Annotated[str, typer.Argument(help="A word of the vocabulary.")]


@app.command()
def similar(model: Model, word: Word, count: Count = 10, json: Json = False) -> None:
    """The words nearest to a word by the cosine of their vectors.

    \b
    unroll similar skip_gram list
    """
    from unroll.use import load
    from unroll.use import neighbours as use

    _show(use.neighbours(load(model), word, count), json)


@app.command()
def analogy(model: Model, a: Word, b: Word, c: Word, count: Count = 5, json: Json = False) -> None:
    """A is to B as C is to what? The words nearest to B - A + C.

    \b
    unroll analogy glove paris france rome
    """
    from unroll.use import load
    from unroll.use import neighbours as use

    _show(use.analogy(load(model), a, b, c, count), json)


def _show(found: "list[Neighbour]", json: bool) -> None:
    for word, cosine in found:
        if json:
            print_json({"word": word, "cosine": cosine})
        else:
            print(f"{cosine:.4f}\t{inert(word)}")
