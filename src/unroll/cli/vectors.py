"""The verbs similar and analogy: nearest neighbours by word vectors."""

from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import JsonOption, ModelArgument, decode_text, verb
from unroll.cli.io import print_json
from unroll.printing import print_row

if TYPE_CHECKING:
    from unroll.use.neighbours import Neighbour

CountOption = Annotated[int, typer.Option("--count", min=1, max=1000, help="The number of words.")]
WordArgument = Annotated[str, typer.Argument(help="A word of the vocabulary.", callback=decode_text)]


@verb("unroll similar skip_gram list")
def similar(model: ModelArgument, word: WordArgument, count: CountOption = 10, json: JsonOption = False) -> None:
    """Print the words nearest to a word by their vectors."""
    from unroll.use import load
    from unroll.use.neighbours import find_neighbours

    _print_neighbours(find_neighbours(load(model), word, count), json)


@verb("unroll analogy glove paris france rome")
def analogy(
    model: ModelArgument,
    a: WordArgument,
    b: WordArgument,
    c: WordArgument,
    count: CountOption = 5,
    json: JsonOption = False,
) -> None:
    """Solve an analogy: A is to B as C is to the printed words.

    They are the words nearest to B - A + C.
    """
    from unroll.use import load
    from unroll.use.neighbours import solve_analogy

    _print_neighbours(solve_analogy(load(model), a, b, c, count), json)


def _print_neighbours(neighbours: "list[Neighbour]", json: bool) -> None:
    for word, cosine in neighbours:
        if json:
            print_json({"word": word, "cosine": cosine})
        else:
            print_row(f"{cosine:.4f}", word)
