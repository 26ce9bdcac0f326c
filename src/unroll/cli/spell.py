"""The verbs spell and correct: correction of the spelling, and of the grammar."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from unroll.cli.app import STDIN, FileArgument, JsonOption, ModelArgument, verb
from unroll.cli.io import (
    input_name,
    print_json,
    read_json,
    read_lines,
    read_texts,
    require_one,
    text_field,
)
from unroll.errors import UnrollError
from unroll.printing import print_line


@verb(
    'echo "teh studnets opened there books" | unroll spell kneser5',
    "unroll spell lstm letter.txt --learn mistakes.txt --dev corrected.jsonl",
    "unroll spell kneser5 --accuracy mistakes.txt",
)
def spell(
    model: ModelArgument,
    file: FileArgument = STDIN,
    accuracy: Annotated[
        Path | None, typer.Option(help='Instead, print the accuracy on lines "right: wrong wrong ...".')
    ] = None,
    learn: Annotated[Path | None, typer.Option(help="Train the edit model on such lines.")] = None,
    words: Annotated[
        Path | None, typer.Option(help="The words to choose from, one per line [default: the model's vocabulary].")
    ] = None,
    dev: Annotated[Path | None, typer.Option(help='Tune the weight on JSON lines {"text", "corrected"}.')] = None,
    weight: Annotated[
        float, typer.Option(min=0, max=1e9, help="The weight of the model's log p; 0 is the edit model alone.")
    ] = 1.0,
    json: JsonOption = False,
) -> None:
    """Correct the spelling of a text, or of one word per line.

    Addresses of pages and of mail, names of files, and whatever has a digit or an underscore are left as they are.
    """
    from unroll.use import load
    from unroll.use.correction import spelling
    from unroll.use.correction.edit_model import EditModel

    loaded = load(model)
    loaded.language_model("spell")
    if words:
        vocabulary = list(dict.fromkeys(loaded.cleaner(word) for word in read_texts(words) if word.strip()))
    else:
        vocabulary = spelling.vocabulary_words(loaded)
    edits = EditModel(_read_pairs(learn) if learn else [])
    speller = spelling.Speller(loaded, vocabulary, edits, weight)
    if dev:
        corrections = _read_corrections(dev)
        given = sum(map(sum, spelling.mark_wrong_words(speller, corrections)))
        spelling.tune_weight(speller, corrections)
        marks = spelling.mark_wrong_words(speller, corrections)
        total, wrong = sum(map(len, marks)), sum(map(sum, marks))
        print(
            f"weight {speller.weight:g}; --dev: {len(marks)} text{'s' * (len(marks) > 1)} of {total} words; "
            f"{given} wrong with --weight {weight:g}, {wrong} with the tuned one",
            file=sys.stderr,
        )
    if accuracy:
        pairs = _read_pairs(accuracy)
        share = spelling.accuracy(speller, pairs)
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
            print_line(corrected)


@verb(
    'echo "the keys to the cabinet is lost" | unroll correct lstm_everyday',
    "unroll correct kneser5 letter.txt --rate 0.02",
)
def correct(
    model: ModelArgument,
    file: FileArgument = STDIN,
    rate: Annotated[
        float, typer.Option(min=1e-9, max=0.5, help="The share of the places that have an error, before reading.")
    ] = 0.1,
    json: JsonOption = False,
) -> None:
    """Correct the grammar of a text: confused words, inflected forms, missing and superfluous words.

    The words that writers confuse are those of `unroll/use/correction/confusions.yaml`. Spelling is not corrected.
    """
    from unroll.use import load
    from unroll.use.correction.grammar import Corrector

    corrector = Corrector(load(model), rate)
    for text in read_texts(file):
        corrected, edits = corrector.correct(text)
        if json:
            print_json({"text": text, "corrected": corrected, "edits": edits})
        else:
            print_line(corrected)


def _read_corrections(file: Path) -> list[tuple[str, str]]:
    """Read (typed, intended) texts."""
    pairs = []
    for number, entry in require_one(read_json(file), file, "text"):
        location = f"{input_name(file)}: line {number}"
        typed, intended = (text_field(entry, field, location) for field in ("text", "corrected"))
        if len(typed.split()) != len(intended.split()):
            raise UnrollError(
                f'{location}: "text" and "corrected" have different numbers of words; pair them word by word'
            )
        pairs.append((typed, intended))
    return pairs


def _read_pairs(file: Path) -> list[tuple[str, str]]:
    """Read (right, wrong) words."""
    from unroll.use.correction.spelling import parse_pairs

    lines = require_one(read_lines(file), file, "pair")
    return parse_pairs((f"{input_name(file)}: line {number}", line) for number, line in lines)
