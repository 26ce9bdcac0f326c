"""Input and output of the verbs: lines of text or JSON, in files or pipes."""

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from unroll.cli.app import STDIN
from unroll.errors import UnrollError
from unroll.printing import escape_json

if TYPE_CHECKING:
    pass

MAX_LINE = 1_000_000
"""The maximum number of characters of a line. A longer line is an error, so that memory does not run out."""
PROGRESS_STEP = 50
"""The number of items between two updates of the progress."""
Item = TypeVar("Item")


def input_name(file: Path) -> str:
    """Return the name of an input in messages."""
    return "standard input" if file == STDIN else str(file)


def read_all_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Read the lines of an input.

    Args:
        file: A file, or STDIN.

    Yields:
        The number and the text of each line, blank lines included, without line breaks.

    Raises:
        UnrollError: The file cannot be read, a line is not UTF-8, or a line is too long.
    """
    for number, line in enumerate(_decode(file), 1):
        text = line.rstrip("\r\n")
        if len(text) > MAX_LINE:
            raise UnrollError(
                f"{input_name(file)}: line {number}: is longer than {MAX_LINE:,} characters; split it into lines"
            )
        yield number, text


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line that is not blank; see `read_all_lines`."""
    yield from ((number, line) for number, line in read_all_lines(file) if line.strip())


def read_texts(file: Path) -> Iterator[str]:
    """Yield the texts of an input: of JSON lines if its name ends in .jsonl, otherwise its lines.

    Args:
        file: A file, or STDIN.

    Yields:
        The texts, at least one of which is not blank. A blank line is a text, so that results match lines.

    Raises:
        UnrollError: Every text is blank, or the input cannot be read.
    """
    leading: list[str] | None = []  # blank texts, which are printed only if there is any other text
    for _, text in read_json_texts(file) if file.suffix == ".jsonl" else read_all_lines(file):
        if leading is None:
            yield text
        elif text.strip():
            yield from [*leading, text]
            leading = None
        else:
            leading.append(text)
    if leading is not None:
        raise UnrollError(f"{input_name(file)}: has no text; give a file with at least one")


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure of matplotlib to a file.

    Args:
        figure: The figure.
        path: The file, whose name ends in .png or .svg.

    Raises:
        UnrollError: The file cannot be written.
    """
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise UnrollError(
            f"{path}: cannot be written ({error}); name a .png or .svg file in an existing folder"
        ) from None


def write_text(path: Path, text: str) -> None:
    """Write a text to a file as UTF-8.

    Args:
        path: The file.
        text: The text.

    Raises:
        UnrollError: The file cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnrollError(f"{path}: cannot be written ({error}); name a file in an existing folder") from None


def skip_blank(function: Callable[[list[str]], Iterable[Item]], texts: Iterable[str]) -> list[Item | None]:
    """Apply a function of several texts to those that are not blank.

    Args:
        function: Returns one result for each text of a list.
        texts: The texts.

    Returns:
        For each text its result; None for a blank text.
    """
    texts = list(texts)
    full = [text for text in texts if text.strip()]
    results = iter(function(full) if full else ())
    return [next(results) if text.strip() else None for text in texts]


def read_json_texts(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the line number and the field "text" of every object of a file of JSON lines."""
    return (
        (number, text_field(entry, "text", f"{input_name(file)}: line {number}")) for number, entry in read_json(file)
    )


def read_json(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read the objects of JSON lines.

    Args:
        file: A file, or STDIN.

    Yields:
        The line number and the object of each line that is not blank.

    Raises:
        UnrollError: A line is not a JSON object, or the input cannot be read.
    """
    for number, line in read_lines(file):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deeply, or a number has too many digits"
            if isinstance(error, json.JSONDecodeError):
                reason = f"{error.msg} at column {error.colno}"
            raise UnrollError(
                f"{input_name(file)}: line {number}: is not JSON ({reason}); write one object per line"
            ) from None
        if not isinstance(entry, dict):
            raise UnrollError(
                f"{input_name(file)}: line {number}: is JSON, but not an object {{...}}; write one object per line"
            )
        yield number, entry


def text_field(entry: dict[str, Any], name: str, location: str) -> str:
    """Return the string entry[name]; raise UnrollError, which begins with `location`, if there is none or it is cut."""
    if not isinstance(entry.get(name), str):
        raise UnrollError(f'{location}: has no "{name}" that is a string; write {{"{name}": "..."}}')
    text = str(entry[name])
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UnrollError(f'{location}: "{name}" has half of a character, {text[error.start]!a}; remove it') from None
    return text


def require_one(items: Iterable[Item], file: Path, noun: str) -> Iterator[Item]:
    """Yield the items of an input; raise UnrollError if there is none."""
    empty = True
    for item in items:
        empty = False
        yield item
    if empty:
        raise UnrollError(f"{input_name(file)}: has no {noun}; give a file with at least one")


def batch_items(items: Iterable[Item], size: int, printing: bool = True) -> Iterator[list[Item]]:
    """Yield lists of `size` items, the last one shorter, and show the progress; see `show_progress`."""
    batch: list[Item] = []
    for item in show_progress(items, printing):
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def show_progress(items: Iterable[Item], printing: bool = True) -> Iterator[Item]:
    """Yield the items, and show their number on standard error.

    The number is shown only if standard error is a terminal, and if results are not printed to a terminal, too.

    Args:
        items: The items.
        printing: Whether results are printed in the meantime.

    Yields:
        The items.
    """
    shown, done = sys.stderr.isatty() and not (printing and sys.stdout.isatty()), 0
    for done, item in enumerate(items, 1):
        if shown and done % PROGRESS_STEP == 0:
            print(f"\r{done:,} ", end="", file=sys.stderr, flush=True)
        yield item
    if shown and done >= PROGRESS_STEP:
        print("\r" + " " * 20 + "\r", end="", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print one line of JSON without control characters; infinity, which JSON does not have, is written as "inf"."""
    print(escape_json(json.dumps(_to_json(value), ensure_ascii=False)))


def _to_json(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _decode(file: Path) -> Iterator[str]:
    """Yield the lines of an input as text."""
    from unroll.text.encoding import EncodingError, read_lines

    if file == STDIN:
        if sys.stdin.isatty():
            print("reading standard input: Ctrl-D ends it", file=sys.stderr)
        yield from _decode_stream(sys.stdin.buffer, input_name(file))
    elif file.is_fifo():  # a pipe can be read only once, so its encoding is not checked first
        with file.open("rb") as stream:
            yield from _decode_stream(stream, str(file))
    else:
        try:
            yield from read_lines(file, "utf-8", "strict", MAX_LINE + 1)
        except EncodingError as error:
            raise UnrollError(f"{error.problem}; {_advise_conversion(error.likely)}") from None


def _advise_conversion(encoding: str | None) -> str:
    """Return how to convert a file of an encoding: verbs have no setting of the encoding."""
    if encoding is None:
        return "convert it to UTF-8"
    return f"it looks like {encoding}; convert it with `iconv -f {encoding} -t utf-8`"


def _decode_stream(stream: BinaryIO, name: str) -> Iterator[str]:
    from unroll.text.encoding import decode_lines

    yield from decode_lines(stream, name, MAX_LINE + 1)
