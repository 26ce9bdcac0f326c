"""The verb rescore: n-best lists in the order of a model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unroll.cli.app import STDIN, JsonOption, ModelArgument, verb
from unroll.cli.io import batch_items, input_name, print_json, read_json, require_one, text_field
from unroll.errors import UnrollError
from unroll.printing import print_row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from unroll.use import TextModel
    from unroll.use.rescoring import NBest

BATCH_SIZE = 32
"""The number of lists that are scored together."""
MAX_SCORE, MAX_COUNT = 1e300, 1_000_000_000


@verb("unroll rescore lstm test.jsonl --dev dev.jsonl")
def rescore(
    model: ModelArgument,
    file: Annotated[
        Path,
        typer.Argument(
            help='JSON lines {"id", "candidates": [{"text", "score", "errors" (optional)}], "reference" (optional), '
            '"words" (optional)}; - is standard input.'
        ),
    ] = STDIN,
    dev: Annotated[
        Path | None,
        typer.Option(help="Lists with references or errors, on which weight and length penalty are tuned."),
    ] = None,
    weight: Annotated[float, typer.Option(min=0, max=1e9, help="The weight of the model's log p.")] = 1.0,
    length_penalty: Annotated[float, typer.Option(min=-1e9, max=1e9, help="The nats added for each word.")] = 0.0,
    json: JsonOption = False,
) -> None:
    """Print the best candidate of each n-best list.

    The total of a candidate is its own score + weight * log p + length penalty * words. The word error rates of the
    lists that have a reference are printed, too. Errors that a list brings along are used as they are; then "words" is
    the number of words of its reference, unless it has one.

    --dev starts from --weight and --length-penalty, and changes them as far as its lists show that it helps: few lists
    show little.
    """
    from unroll.use import load
    from unroll.use.rescoring import Interpolation, choose, tune

    loaded = load(model)
    loaded.language_model("rescore")
    lists, parameters = _read_lists(file), Interpolation(weight, length_penalty)
    if dev:
        dev_lists = _read_lists(dev, tuning=True)
        log_probs, start = _score_lists(loaded, dev_lists), parameters
        parameters = tune(dev_lists, log_probs, start)
        print(
            _say_tuning(dev_lists, *(choose(dev_lists, log_probs, one) for one in (start, parameters))), file=sys.stderr
        )
    chosen = choose(lists, _score_lists(loaded, lists), parameters)
    for one, index in zip(lists, chosen, strict=True):
        if json:
            print_json({"id": one.id, "text": one.texts[index], "candidate": index})
        else:
            print_row(one.id, one.texts[index])
    summary = f"weight {parameters.weight:g}, length penalty {parameters.length_penalty:g}"
    print(summary + _say_rates(lists, chosen), file=sys.stderr)


def _say_tuning(lists: "list[NBest]", start: list[int], tuned: list[int]) -> str:
    """Return the error rates of the lists of --dev with the parameters before and after tuning."""
    from unroll.use.rescoring import word_error_rates

    rates = [word_error_rates(lists, chosen) for chosen in (start, tuned)]
    sizes = f"--dev: {len(lists)} list{'s' * (len(lists) > 1)}"
    if rates[0] is None or rates[1] is None:
        return f"{sizes} without a word in their references"
    return (
        f"{sizes} of {rates[0].words} words; WER {rates[0].before:.2%} by their own scores, {rates[0].after:.2%} with "
        f"the given parameters, {rates[1].after:.2%} with the tuned ones"
    )


def _say_rates(lists: "list[NBest]", chosen: list[int]) -> str:
    """Return the error rates of the lists whose errors are known; nothing if there is none."""
    from unroll.use.rescoring import word_error_rates

    if (rates := word_error_rates(lists, chosen)) is None:
        return ""
    scope = "" if rates.lists == len(lists) else f" in the {rates.lists} of {len(lists)} lists that have a reference"
    return (
        f"; WER before {rates.before:.2%}, after {rates.after:.2%}, oracle {rates.oracle:.2%} of {rates.words} words"
        f"{scope}"
    )


def _score_lists(loaded: "TextModel", lists: list["NBest"]) -> list["NDArray[np.float64]"]:
    from unroll.use.rescoring import score_candidates

    return [row for batch in batch_items(lists, BATCH_SIZE, printing=False) for row in score_candidates(loaded, batch)]


def _read_lists(file: Path, tuning: bool = False) -> list["NBest"]:
    lists = []
    for number, entry in require_one(read_json(file), file, "list"):
        lists.append(_parse_list(entry, location := f"{input_name(file)}: line {number}"))
        if tuning and not lists[-1].is_measured:
            raise UnrollError(
                f'{location}: has no "reference" and no "errors"; tuning needs one of them for every list'
            )
    return lists


def _parse_list(entry: dict[str, Any], location: str) -> "NBest":
    from unroll.use.rescoring import NBest

    candidates = entry.get("candidates")
    if not isinstance(candidates, list) or not candidates or not all(isinstance(one, dict) for one in candidates):
        raise UnrollError(f'{location}: has no "candidates"; write [{{"text": "...", "score": -1.5}}, ...]')
    texts = [text_field(one, "text", location) for one in candidates]
    scores = [one.get("score") for one in candidates]
    if not all(_is_number(score) and abs(score) < MAX_SCORE for score in scores):
        raise UnrollError(f'{location}: a candidate has no "score" that is a finite number; write "score": -1.5')
    reference = text_field(entry, "reference", location) if entry.get("reference") is not None else None
    errors, words = [one.get("errors") for one in candidates], entry.get("words")
    name = entry.get("id", "")
    if not isinstance(name, str | int) or isinstance(name, bool):
        raise UnrollError(f'{location}: its "id" is neither a string nor a number; write "id": "1"')
    if not all(_is_count(count) for count in errors) and errors != [None] * len(errors):
        raise UnrollError(
            f'{location}: "errors" is not a count in every candidate; write "errors": 0 in each, or in none'
        )
    if not (words is None or _is_count(words)):
        raise UnrollError(f'{location}: "words" is not a count; write the number of words of the reference')
    if errors[0] is not None and words is None and reference is None:
        raise UnrollError(f'{location}: has "errors", but no "words"; write the number of words of its reference')
    counts = None if errors[0] is None else [int(count) for count in errors]
    return NBest(_name(name, location), texts, [float(score) for score in scores], reference, counts, words)


def _name(name: str | int, location: str) -> str:
    return text_field({"id": name}, "id", location) if isinstance(name, str) else str(name)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT
