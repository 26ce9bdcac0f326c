"""judge: minimal pairs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unroll.cli.app import Model, app, inert
from unroll.cli.text import STDIN, Json, at_least_one, batches, named, print_json, read_json, text_field

if TYPE_CHECKING:
    from unroll.use.minimal_pairs import Pair

PHENOMENON = ("phenomenon", "linguistics_term", "UID")
"""Names that a phenomenon goes by, ours and BLiMP's."""


@app.command()
def judge(
    model: Model,
    file: Annotated[
        Path, typer.Argument(help='JSON lines {"sentence_good", "sentence_bad", "phenomenon"?}; - is a pipe.')
    ] = STDIN,
    pairs: Annotated[bool, typer.Option("--pairs", help="Also every pair with its log-likelihoods.")] = False,
    json: Json = False,
) -> None:
    """How often the good sentence of a minimal pair is the more probable one, by phenomenon.

    \b
    unroll judge lstm pairs.jsonl
    """
    from unroll.use import load
    from unroll.use.minimal_pairs import accuracy
    from unroll.use.minimal_pairs import judge as judged

    loaded = load(model)
    loaded.language_model("judge")
    read = at_least_one((_pair(entry, f"{named(file)}: line {n}") for n, entry in read_json(file)), file, "pair")
    found = [one for batch in batches(read, 128, False) for one in judged(loaded, batch)]
    for one in found if pairs else []:
        if json:
            print_json(one)
        else:
            print(f"{'+-'[not one.right]}\t{one.good:.4f}\t{one.bad:.4f}\t{inert(one.pair.good)}")
    for phenomenon, (count, share) in accuracy(found).items():
        if json:
            print_json({"phenomenon": phenomenon, "pairs": count, "accuracy": share})
        else:
            print(f"{share:.4f}\t{count}\t{inert(phenomenon)}")


def _pair(entry: dict[str, Any], where: str) -> "Pair":
    from unroll.use.minimal_pairs import Pair

    named = [str(entry[name]) for name in PHENOMENON if name in entry]
    good, bad = (text_field(entry, f"sentence_{name}", where) for name in ("good", "bad"))
    return Pair(good, bad, named[0] if named else "pairs")
