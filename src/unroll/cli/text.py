"""What verbs read and print: lines of text or JSON in, lines of text or JSON out, on files or pipes."""

import json
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, TypeVar

import typer

from unroll.errors import UnrollError

LONGEST = 1_000_000
"""Characters of a line that is read; a longer one is refused by number, not by running out of memory."""

File = Annotated[
    Path,
    typer.Argument(
        help='One text per line, or JSON lines with a "text" if its name ends in .jsonl; - is standard input.'
    ),
]
STDIN = Path("-")
EVERY = 50
"""Items between two reports of progress."""
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines.")]
Item = TypeVar("Item")


def named(file: Path) -> str:
    """What errors call it."""
    return "standard input" if file == STDIN else str(file)


def read_all_lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines, blank ones too, each with its number, without its line break."""
    for number, line in enumerate(_decoded(file), 1):
        text = line.rstrip("\r\n")
        if len(text) > LONGEST:
            raise UnrollError(
                f"{named(file)}: line {number}: is longer than {LONGEST:,} characters; split it into lines"
            )
        yield number, text


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, each with its number, without its line break."""
    yield from ((number, line) for number, line in read_all_lines(file) if line.strip())


def read_texts(file: Path) -> Iterator[str]:
    """The texts of a file, at least one."""
    found = read_json_texts(file) if file.suffix == ".jsonl" else read_lines(file)
    yield from at_least_one((text for _, text in found), file, "text")


def read_json_texts(file: Path) -> Iterator[tuple[int, str]]:
    """The "text" of every object of a file of JSON lines, each with its line's number."""
    return ((number, text_field(entry, "text", f"{named(file)}: line {number}")) for number, entry in read_json(file))


def read_json(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON lines, each with its line's number."""
    for number, line in read_lines(file):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            why = "too deep, or a number of too many digits"
            if isinstance(error, json.JSONDecodeError):
                why = f"{error.msg} at column {error.colno}"
            raise UnrollError(f"{named(file)}: line {number}: is no JSON ({why}); write one object per line") from None
        if not isinstance(entry, dict):
            raise UnrollError(
                f"{named(file)}: line {number}: is JSON, but no object {{...}}; write one object per line"
            )
        yield number, entry


def at_least_one(items: Iterable[Item], file: Path, what: str) -> Iterator[Item]:
    """The items; UnrollError if there is none."""
    empty = True
    for item in items:
        empty = False
        yield item
    if empty:
        raise UnrollError(f"{named(file)}: has no {what}; bring a file with at least one")


def batches(items: Iterable[Item], size: int, printing: bool = True) -> Iterator[list[Item]]:
    """The items, `size` at a time, counted as they are done."""
    batch: list[Item] = []
    for item in counted(items, printing):
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def counted(items: Iterable[Item], printing: bool = True) -> Iterator[Item]:
    """The items; how many have been asked for stands on standard error, if that is a terminal and what is `printing`
    is not on it too."""
    shown, done = sys.stderr.isatty() and not (printing and sys.stdout.isatty()), 0
    for done, item in enumerate(items, 1):
        if shown and done % EVERY == 0:
            print(f"\r{done:,} ", end="", file=sys.stderr, flush=True)
        yield item
    if shown and done >= EVERY:
        print("\r" + " " * 20 + "\r", end="", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """One line of JSON that drives no terminal; infinity, which JSON lacks, is "inf"."""
    text = json.dumps(_jsonable(value), ensure_ascii=not sys.stdout.encoding.lower().startswith("utf"))
    print("".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text))


def _jsonable(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def text_field(entry: dict[str, Any], name: str, where: str) -> str:
    """The string entry[name]; `where` begins the error if there is none."""
    if not isinstance(entry.get(name), str):
        raise UnrollError(f'{where}: has no "{name}" that is a string; write {{"{name}": "..."}}')
    return str(entry[name])


def _decoded(file: Path) -> Iterator[str]:
    from unroll.text.encoding import read_lines

    if file == STDIN:
        if sys.stdin.isatty():
            print("reading standard input: Ctrl-D ends it", file=sys.stderr)
        yield from _decoded_stream(sys.stdin.buffer, named(file))
    elif file.is_fifo():  # a pipe can be read only once, so its start is not looked at first
        with file.open("rb") as stream:
            yield from _decoded_stream(stream, str(file))
    else:
        yield from read_lines(file, "utf-8", "strict", LONGEST + 1)


def _decoded_stream(stream: BinaryIO, name: str) -> Iterator[str]:
    number = 0
    while line := stream.readline(4 * LONGEST + 4):
        number += 1
        try:
            yield line.decode("utf-8").removeprefix("\ufeff" if number == 1 else "")
        except UnicodeDecodeError as error:
            raise UnrollError(f"{name}: line {number}: is not UTF-8 ({error.reason}); convert it") from None
