"""The verb translate: lines of one language to lines of another."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import STDIN, FileArgument, JsonOption, ModelArgument, SeedOption, verb
from unroll.cli.io import print_json, read_all_lines, read_json_texts, save_figure
from unroll.errors import UnrollError
from unroll.printing import print_line, print_row

if TYPE_CHECKING:
    from unroll.params.evaluate import Search
    from unroll.use import TextModel
    from unroll.use.translation import Translation

BATCH_SIZE = 64
"""The maximum number of lines that are translated together. No line waits for the next one."""
Line = tuple[int, str]


@verb(
    "unroll translate seq2seq_attention english.txt > dutch.txt",
    'echo "the woman reads the book ." | unroll translate seq2seq_attention --nbest 3 --attention attention.png',
    "unroll translate seq2seq_attention english.txt --temperature 0.8 --seed 7",
)
def translate(
    model: ModelArgument,
    file: FileArgument = STDIN,
    beam: Annotated[
        int | None, typer.Option(min=1, max=1000, help="The number of hypotheses that are kept; 1 is greedy search.")
    ] = None,
    nbest: Annotated[
        int,
        typer.Option(min=0, max=1000, help="Print the N best as line number, log p and text; 0 prints the best text."),
    ] = 0,
    length_penalty: Annotated[
        float | None, typer.Option(min=0, max=10, help="The preference for long translations; 0 has none.")
    ] = None,
    coverage_penalty: Annotated[
        float | None, typer.Option(min=0, max=10, help="The penalty for source words without attention.")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(min=0, max=1e6, help="Draw each token instead of searching; 1 is the distribution of the model."),
    ] = None,
    seed: SeedOption = 1,
    attention: Annotated[
        Path | None, typer.Option(help="Draw the attention of the first line to this file (.png or .svg).")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Translate line by line.

    An empty line stays empty. On a terminal, each line is translated when it is typed. Options of the search that are
    not given have the defaults of the Python interface and the page.
    """
    from unroll.use import load
    from unroll.use.translation import DEFAULT_SEARCH, change_search

    search = change_search(
        beam=max(beam or DEFAULT_SEARCH.beam, nbest), length_penalty=length_penalty, coverage_penalty=coverage_penalty
    )
    loaded = load(model)
    loaded.translate_nbest([], search)  # raises the error of an unsupported model before any input is read
    read = read_json_texts if file.suffix == ".jsonl" else read_all_lines
    prompted = file == STDIN and sys.stdin.isatty()
    if temperature is not None:
        if nbest or attention or beam or length_penalty is not None or coverage_penalty is not None:
            raise UnrollError(
                "translate: --temperature draws one translation, so it goes with no option of the search (--beam, "
                "--nbest, the penalties) and not with --attention"
            )
        for number, text in _prompt_lines() if prompted else read(file):
            _print_sample(loaded, text, search, temperature, seed + number, json)
        return
    for batch in ([line] for line in _prompt_lines()) if prompted else _batch_available(read(file)):
        results = loaded.translate_nbest([text for _, text in batch], search)
        for (number, text), translations in zip(batch, results, strict=True):
            _print_translations(number, text, translations[: max(1, nbest)], nbest, json)
            if attention and translations:
                _draw_attention(loaded, text, translations[0], attention)
                attention = None
        sys.stdout.flush()


def _print_sample(loaded: "TextModel", text: str, search: "Search", temperature: float, seed: int, json: bool) -> None:
    """Print a translation that is drawn. The seed of a line is its number beside --seed, so no line changes another."""
    from unroll.use.translation import sample

    cleaned = loaded.cleaner(text)
    drawn = sample(loaded.model, loaded.source, loaded.tokenizer, cleaned, search, temperature, seed)
    if json:
        print_json({"text": text, "translation": drawn})
    else:
        print_line(drawn)


def _prompt_lines() -> Iterator[Line]:
    """Prompt for lines on the terminal until Ctrl-D or Ctrl-C."""
    number = 0
    while True:
        try:
            line = input("> ")
        except (EOFError, KeyboardInterrupt):
            print()
            return
        yield (number := number + 1), line


def _batch_available(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield the lines that are available, at most BATCH_SIZE: small batches of a pipe, large ones of a file."""
    queue: Queue[Line | BaseException | None] = Queue(16 * BATCH_SIZE)

    def read() -> None:
        try:
            for line in lines:
                queue.put(line)
            queue.put(None)
        except BaseException as error:
            queue.put(error)

    Thread(target=read, daemon=True).start()
    while True:
        batch: list[Line] = []
        while not batch or (len(batch) < BATCH_SIZE and not queue.empty()):
            item = queue.get()
            if not isinstance(item, tuple):
                if batch:
                    yield batch
                if item is not None:
                    raise item
                return
            batch.append(item)
        yield batch


def _print_translations(number: int, text: str, translations: "list[Translation]", nbest: int, json: bool) -> None:
    if json:
        rows = [{"text": one.text, "log_prob": one.log_prob} for one in translations]
        print_json({"text": text, "translations": rows})
    elif nbest:
        for one in translations:
            print_row(str(number), f"{one.log_prob:.4f}", one.text)
    else:
        print_line(translations[0].text if translations else "")


def _draw_attention(loaded: "TextModel", text: str, translation: "Translation", path: Path) -> None:
    from unroll.report.figures import draw_attention

    if (attention := loaded.map_attention(text, translation)) is None:
        raise UnrollError(f"{loaded.folder}: has no attention to draw; use a model with attention: dot or additive")
    save_figure(draw_attention(attention.source, attention.target, attention.weights), path)
