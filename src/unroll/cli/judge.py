"""The verb judge: the accuracy on minimal pairs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unroll.cli.app import STDIN, JsonOption, ModelArgument, verb
from unroll.cli.io import batch_items, input_name, print_json, read_json, require_one, text_field
from unroll.printing import print_row

if TYPE_CHECKING:
    from unroll.use.minimal_pairs import Pair

PHENOMENON_FIELDS = ("phenomenon", "linguistics_term", "UID")
"""The fields that can hold the phenomenon: that of this project, then those of BLiMP."""
BATCH_SIZE = 128


@verb("unroll judge lstm pairs.jsonl")
def judge(
    model: ModelArgument,
    file: Annotated[
        Path,
        typer.Argument(
            help='JSON lines {"sentence_good", "sentence_bad", "phenomenon" (optional)}; - is standard input.'
        ),
    ] = STDIN,
    pairs: Annotated[bool, typer.Option("--pairs", help="Also print every pair with its log-likelihoods.")] = False,
    json: JsonOption = False,
) -> None:
    """Print the accuracy on minimal pairs by phenomenon.

    A judgement is correct if the good sentence is more probable than the bad one.
    """
    from unroll.use import load, minimal_pairs

    loaded = load(model)
    loaded.language_model("judge")
    entries = (_parse_pair(entry, f"{input_name(file)}: line {number}") for number, entry in read_json(file))
    batches = batch_items(require_one(entries, file, "pair"), BATCH_SIZE, printing=False)
    judgements = [judgement for batch in batches for judgement in minimal_pairs.judge(loaded, batch)]
    for one in judgements if pairs else []:
        if json:
            print_json(one)
        else:
            print_row("+" if one.correct else "-", f"{one.good:.4f}", f"{one.bad:.4f}", one.pair.good)
    for phenomenon, (count, share) in minimal_pairs.accuracy(judgements).items():
        if json:
            print_json({"phenomenon": phenomenon, "pairs": count, "accuracy": share})
        else:
            print_row(f"{share:.4f}", str(count), phenomenon)


def _parse_pair(entry: dict[str, Any], location: str) -> "Pair":
    from unroll.use.minimal_pairs import Pair

    phenomena = [str(entry[field]) for field in PHENOMENON_FIELDS if field in entry]
    good, bad = (text_field(entry, field, location) for field in ("sentence_good", "sentence_bad"))
    return Pair(good, bad, phenomena[0] if phenomena else "pairs")
