"""spell: words and running text corrected."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from unroll.cli.app import Model, app, inert
from unroll.cli.text import (
    STDIN,
    File,
    Json,
    at_least_one,
    named,
    print_json,
    read_json,
    read_lines,
    read_texts,
    text_field,
)
from unroll.errors import UnrollError

Pairs = Path | None


@app.command()
def spell(
    model: Model,
    file: File = STDIN,
    accuracy: Annotated[Pairs, typer.Option(help='Measure on lines "right: wrong wrong ..." instead.')] = None,
    learn: Annotated[Pairs, typer.Option(help="Learn what mistakes are made from such lines.")] = None,
    words: Annotated[Pairs, typer.Option(help="Words to choose from, one per line [the model's vocabulary].")] = None,
    dev: Annotated[Pairs, typer.Option(help='Tune the weight on JSON lines {"text", "corrected"}.')] = None,
    weight: Annotated[float, typer.Option(min=0, help="Of the model's log p; 0 is the edit model alone.")] = 1.0,
    json: Json = False,
) -> None:
    """Correct the spelling of a text, or of a list with one word per line.

    \b
    echo "teh studnets opened there books" | unroll spell kneser5
    unroll spell lstm letter.txt --learn mistakes.txt --dev corrected.jsonl
    unroll spell kneser5 --accuracy mistakes.txt
    """
    from unroll.use import load
    from unroll.use.edit_model import EditModel
    from unroll.use.spelling import Speller, tune, words_of
    from unroll.use.spelling import accuracy as measure

    loaded = load(model)
    loaded.language_model("spell")
    vocabulary = list(dict.fromkeys(map(loaded.cleaner, read_texts(words)))) if words else words_of(loaded)
    edits = EditModel(_pairs(learn) if learn else [])
    speller = Speller(loaded, vocabulary, edits, weight)
    if dev:
        print(f"weight {tune(speller, _texts(dev)):g}", file=sys.stderr)
    if accuracy:
        pairs = _pairs(accuracy)
        share = measure(speller, pairs)
        if json:
            print_json({"pairs": len(pairs), "accuracy": share})
        else:
            print(f"{share:.4f}\t{len(pairs)} wrong words")
        return
    for text in read_texts(file):
        corrected, changes = speller.correct(text)
        if json:
            print_json({"text": text, "corrected": corrected, "changes": changes})
        else:
            print(inert(corrected))


def _texts(file: Path) -> list[tuple[str, str]]:
    """(typed, meant)."""
    pairs = []
    for number, entry in at_least_one(read_json(file), file, "text"):
        where = f"{named(file)}: line {number}"
        typed, meant = (text_field(entry, name, where) for name in ("text", "corrected"))
        if len(typed.split()) != len(meant.split()):
            raise UnrollError(
                f'{where}: "text" and "corrected" differ in their number of words; pair them word by word'
            )
        pairs.append((typed, meant))
    return pairs


def _pairs(file: Path) -> list[tuple[str, str]]:
    from unroll.use.spelling import pairs_of

    lines = at_least_one(read_lines(file), file, "pair")
    return pairs_of((f"{named(file)}: line {number}", line) for number, line in lines)
