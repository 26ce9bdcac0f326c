"""rescore: n-best lists ordered anew by a model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unroll.cli.app import Model, app, inert
from unroll.cli.text import STDIN, Json, at_least_one, batches, named, print_json, read_json, text_field
from unroll.errors import UnrollError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from unroll.use import TextModel
    from unroll.use.rescoring import NBest

TOGETHER = 32
"""Lists that are scored together."""


@app.command()
def rescore(
    model: Model,
    file: Annotated[
        Path, typer.Argument(help='JSON lines {"id", "candidates": [{"text", "score"}], "reference"?}; - is a pipe.')
    ] = STDIN,
    dev: Annotated[
        Path | None, typer.Option(help="Lists with references, to tune weight and length penalty on.")
    ] = None,
    weight: Annotated[float, typer.Option(min=0, max=1e9, help="Of the model's log p.")] = 1.0,
    length_penalty: Annotated[float, typer.Option(min=-1e9, max=1e9, help="Added per word.")] = 0.0,
    json: Json = False,
) -> None:
    """The best candidate of each list by its own score + weight log p + penalty words; word error rates if it is known
    what was said.

    \b
    unroll rescore lstm test.jsonl --dev dev.jsonl
    """
    from unroll.use import load
    from unroll.use.rescoring import Interpolation, best, report, tune

    loaded = load(model)
    loaded.language_model("rescore")
    lists, by = _lists(file), Interpolation(weight, length_penalty)
    if dev:
        tuned = _lists(dev, referred=True)
        by = tune(tuned, _likelihoods(loaded, tuned))
    log_probs = _likelihoods(loaded, lists)
    chosen = best(lists, log_probs, by)
    for one, index in zip(lists, chosen, strict=True):
        if json:
            print_json({"id": one.id, "text": one.texts[index], "candidate": index})
        else:
            print(f"{inert(one.id)}\t{inert(one.texts[index])}")
    summary = f"weight {by.weight:g}, length penalty {by.length_penalty:g}"
    if all((one.reference or "").split() for one in lists):
        errors = report(lists, chosen)
        summary += f"; WER before {errors.before:.2%}, after {errors.after:.2%}, oracle {errors.oracle:.2%}"
        summary += f" of {errors.words} words"
    print(summary, file=sys.stderr)


def _likelihoods(loaded: "TextModel", lists: list["NBest"]) -> list["NDArray[np.float64]"]:
    from unroll.use.rescoring import likelihoods

    return [row for batch in batches(lists, TOGETHER, printing=False) for row in likelihoods(loaded, batch)]


def _lists(file: Path, referred: bool = False) -> list["NBest"]:
    """Those of a file; `referred`: each with what was said."""
    found = []
    for number, entry in at_least_one(read_json(file), file, "list"):
        found.append(_list(entry, where := f"{named(file)}: line {number}"))
        if referred and found[-1].reference is None:
            raise UnrollError(f'{where}: has no "reference"; every list to tune on needs one')
    return found


def _list(entry: dict[str, Any], where: str) -> "NBest":
    from unroll.use.rescoring import NBest

    candidates = entry.get("candidates")
    if not isinstance(candidates, list) or not candidates or not all(isinstance(one, dict) for one in candidates):
        raise UnrollError(f'{where}: has no "candidates"; write [{{"text": "...", "score": -1.5}}, ...]')
    texts = [text_field(one, "text", where) for one in candidates]
    scores = [one.get("score") for one in candidates]
    if not all(isinstance(score, int | float) and abs(score) < 1e300 for score in scores):
        raise UnrollError(f'{where}: a candidate has no "score" that is a finite number')
    reference = text_field(entry, "reference", where) if entry.get("reference") is not None else None
    return NBest(str(entry.get("id", "")), texts, [float(score) for score in scores], reference)
