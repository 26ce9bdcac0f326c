"""The verb rescore: n-best lists in the order of a model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unroll.cli.app import STDIN, JsonOption, ModelArgument, verb
from unroll.cli.io import batch_items, escape_control, input_name, print_json, read_json, require_one, text_field
from unroll.errors import UnrollError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from unroll.use import TextModel
    from unroll.use.rescoring import NBest

BATCH_SIZE = 32
"""The number of lists that are scored together."""
MAX_SCORE = 1e300


@verb("unroll rescore lstm test.jsonl --dev dev.jsonl")
def rescore(
    model: ModelArgument,
    file: Annotated[
        Path,
        typer.Argument(
            help='JSON lines {"id", "candidates": [{"text", "score"}], "reference" (optional)}; - is standard input.'
        ),
    ] = STDIN,
    dev: Annotated[
        Path | None, typer.Option(help="Lists with references, on which weight and length penalty are tuned.")
    ] = None,
    weight: Annotated[float, typer.Option(min=0, max=1e9, help="The weight of the model's log p.")] = 1.0,
    length_penalty: Annotated[float, typer.Option(min=-1e9, max=1e9, help="The nats added for each word.")] = 0.0,
    json: JsonOption = False,
) -> None:
    """Print the best candidate of each n-best list.

    The total of a candidate is its own score + weight * log p + length penalty * words. If all lists have a reference,
    the word error rates are printed, too.
    """
    from unroll.use import load
    from unroll.use.rescoring import Interpolation, choose, tune, word_error_rates

    loaded = load(model)
    loaded.language_model("rescore")
    lists, parameters = _read_lists(file), Interpolation(weight, length_penalty)
    if dev:
        dev_lists = _read_lists(dev, require_references=True)
        parameters = tune(dev_lists, _score_lists(loaded, dev_lists))
    chosen = choose(lists, _score_lists(loaded, lists), parameters)
    for one, index in zip(lists, chosen, strict=True):
        if json:
            print_json({"id": one.id, "text": one.texts[index], "candidate": index})
        else:
            print(f"{escape_control(one.id)}\t{escape_control(one.texts[index])}")
    summary = f"weight {parameters.weight:g}, length penalty {parameters.length_penalty:g}"
    if all((one.reference or "").split() for one in lists):
        rates = word_error_rates(lists, chosen)
        summary += f"; WER before {rates.before:.2%}, after {rates.after:.2%}, oracle {rates.oracle:.2%}"
        summary += f" of {rates.words} words"
    print(summary, file=sys.stderr)


def _score_lists(loaded: "TextModel", lists: list["NBest"]) -> list["NDArray[np.float64]"]:
    from unroll.use.rescoring import score_candidates

    return [row for batch in batch_items(lists, BATCH_SIZE, printing=False) for row in score_candidates(loaded, batch)]


def _read_lists(file: Path, require_references: bool = False) -> list["NBest"]:
    lists = []
    for number, entry in require_one(read_json(file), file, "list"):
        lists.append(_parse_list(entry, location := f"{input_name(file)}: line {number}"))
        if require_references and lists[-1].reference is None:
            raise UnrollError(f'{location}: has no "reference"; tuning needs one for every list')
    return lists


def _parse_list(entry: dict[str, Any], location: str) -> "NBest":
    from unroll.use.rescoring import NBest

    candidates = entry.get("candidates")
    if not isinstance(candidates, list) or not candidates or not all(isinstance(one, dict) for one in candidates):
        raise UnrollError(f'{location}: has no "candidates"; write [{{"text": "...", "score": -1.5}}, ...]')
    texts = [text_field(one, "text", location) for one in candidates]
    scores = [one.get("score") for one in candidates]
    if not all(isinstance(score, int | float) and abs(score) < MAX_SCORE for score in scores):
        raise UnrollError(f'{location}: a candidate has no "score" that is a finite number; write "score": -1.5')
    reference = text_field(entry, "reference", location) if entry.get("reference") is not None else None
    return NBest(str(entry.get("id", "")), texts, [float(score) for score in scores], reference)
