"""translate: lines in one language in, lines in another out."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import Model, app, inert
from unroll.cli.text import Json, print_json, read_all_lines, read_json_texts
from unroll.errors import UnrollError

if TYPE_CHECKING:
    from unroll.use import TextModel
    from unroll.use.translation import Translated

TOGETHER = 64
"""Lines that are translated together, if so many are there: none waits for the next."""


@app.command()
def translate(
    model: Model,
    file: Annotated[
        Path, typer.Argument(help='One text per line, or JSON lines with a "text" (.jsonl); - is standard input.')
    ] = Path("-"),
    beam: Annotated[int, typer.Option(min=1, max=1000, help="Beginnings that are kept; 1 is greedy search.")] = 5,
    nbest: Annotated[
        int, typer.Option(min=0, max=1000, help="The N best, as line number, log p and text; 0: the text.")
    ] = 0,
    length_penalty: Annotated[
        float, typer.Option(min=0, max=10, help="Above 0 long texts are less disfavoured.")
    ] = 1.0,
    coverage_penalty: Annotated[float, typer.Option(min=0, max=10, help="Of leaving source words unattended.")] = 0.0,
    attention: Annotated[Path | None, typer.Option(help="Picture (.png, .svg) of the first line's attention.")] = None,
    json: Json = False,
) -> None:
    """Translate line by line; an empty line stays empty. On a terminal it answers every line you type.

    \b
    unroll translate seq2seq_attention english.txt > dutch.txt
    echo "the woman reads the book ." | unroll translate seq2seq_attention --nbest 3 --attention look.png
    """
    from unroll.params.evaluate import Search
    from unroll.use import load

    beam = max(beam, nbest)
    search = Search(
        beam=beam,
        length_penalty=length_penalty,
        coverage_penalty=coverage_penalty,
        max_length_ratio=2.0,
        max_length_offset=10,
    )
    loaded = load(model)
    loaded.translations([], search)  # a model of another kind says so before anything is read
    read = read_json_texts if file.suffix == ".jsonl" else read_all_lines
    typed = str(file) == "-" and sys.stdin.isatty()
    for batch in ([line] for line in _typed()) if typed else _waiting(read(file)):
        found = loaded.translations([text for _, text in batch], search)
        for (number, text), translations in zip(batch, found, strict=True):
            _show(number, text, translations[: max(1, nbest)], nbest, json)
            if attention and translations:
                _draw(loaded, text, translations[0], attention)
                attention = None
        sys.stdout.flush()


def _typed() -> Iterator[tuple[int, str]]:
    number = 0
    while True:
        try:
            line = input("> ")
        except (EOFError, KeyboardInterrupt):
            print()
            return
        yield (number := number + 1), line


def _waiting(lines: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """What has been read so far, `TOGETHER` lines at most: a pipe is answered as it speaks, a file in large batches."""
    queue: Queue[tuple[int, str] | BaseException | None] = Queue(16 * TOGETHER)

    def read() -> None:
        try:
            for line in lines:
                queue.put(line)
            queue.put(None)
        except BaseException as error:
            queue.put(error)

    Thread(target=read, daemon=True).start()
    while True:
        batch: list[tuple[int, str]] = []
        while not batch or (len(batch) < TOGETHER and not queue.empty()):
            item = queue.get()
            if not isinstance(item, tuple):
                if batch:
                    yield batch
                if item is not None:
                    raise item
                return
            batch.append(item)
        yield batch


def _show(number: int, text: str, translations: "list[Translated]", nbest: int, json: bool) -> None:
    if json:
        print_json({"text": text, "translations": [{"text": t.text, "log_prob": t.log_prob} for t in translations]})
    elif nbest:
        for one in translations:
            print(f"{number}\t{one.log_prob:.4f}\t{inert(one.text)}")
    else:
        print(inert(translations[0].text) if translations else "")


def _draw(loaded: "TextModel", text: str, translation: "Translated", path: Path) -> None:
    from unroll.report.heatmap import heatmap

    if (looked := loaded.attention(text, translation)) is None:
        raise UnrollError(f"{loaded.folder}: has no attention to draw; take a model with attention: dot or additive")
    try:
        heatmap(looked.source, looked.target, looked.weights).savefig(path)
    except (OSError, ValueError) as error:
        raise UnrollError(
            f"{path}: cannot be written ({error}); name a .png or .svg file in a folder there is"
        ) from None
