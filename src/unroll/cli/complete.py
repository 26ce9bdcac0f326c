"""complete: the next words of a text."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import Model, app, inert
from unroll.cli.text import Json, print_json

if TYPE_CHECKING:
    from unroll.use import TextModel


@app.command()
def complete(
    model: Model,
    text: Annotated[str, typer.Argument(help="The text so far; - reads one per line from standard input.")] = "",
    count: Annotated[int, typer.Option(min=1, max=1000, help="Number of words.")] = 5,
    partial: Annotated[
        bool, typer.Option("--partial", help="A last word without a space after it is only begun.")
    ] = False,
    interactive: Annotated[bool, typer.Option("--interactive", help="As you type; Tab takes the first word.")] = False,
    json: Json = False,
) -> None:
    """The most probable next words; whole words for models of characters or pieces too.

    \b
    unroll complete lstm "the students opened their"
    unroll complete lstm_chars "the function ret" --partial
    unroll complete kneser5 --interactive
    """
    from unroll.use import load

    loaded = load(model)
    if interactive and sys.stdin.isatty():
        from unroll.cli.typing_line import as_you_type

        as_you_type(lambda line: [found.word for found in loaded.complete(line, count, partial=True)])
        return
    piped = interactive or text == "-"
    for line in _lines() if piped else [text]:
        _show(loaded, line, count, partial or interactive, json, f"\t{inert(line)}" if piped else "")


def _lines() -> list[str]:
    from pathlib import Path

    from unroll.cli.text import read_lines

    return [line for _, line in read_lines(Path("-"))]


def _show(loaded: "TextModel", text: str, count: int, partial: bool, json: bool, which: str) -> None:
    """`which` tells lines of standard input apart."""
    found = loaded.complete(text, count, partial)
    if json:
        words = [{"word": one.word, "probability": one.probability} for one in found]
        print_json({"text": text, "completions": words})
        return
    for one in found:
        print(f"{one.probability:.4f}\t{inert(one.word)}{which}")
