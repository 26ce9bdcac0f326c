"""A raw folder (raw.json and data files, written by `unroll.corpora`) to Records."""

import csv
import json
import math
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

from unroll.errors import UnrollError
from unroll.params.corpora import TextCorpus, Written
from unroll.text.encoding import lines
from unroll.text.manifest import RawFile, read_manifest
from unroll.text.record import Record
from unroll.text.segmentation import documents

FIELDS = {
    "text": ("text",),
    "documents": ("text",),
    "pairs": ("source", "target"),
    "labelled": ("label", "text"),
    "series": ("time", "value"),
}
"""By format: what a Record of it holds."""


def fields(folder: Path) -> tuple[str, ...]:
    """The fields of the folder's records; all its files must agree on them."""
    found = {file.file: FIELDS[file.format] for file in read_manifest(folder)}
    if len(set(found.values())) > 1:
        raise UnrollError(f"{folder}: its files have different fields ({found}); keep one kind per corpus")
    return next(iter(found.values()))


def records(params: TextCorpus | Written, folder: Path) -> Iterator[Record]:
    """Every record of the folder, file by file, in order, with nothing dropped."""
    for file in read_manifest(folder):
        yield from READERS[file.format](params, folder / file.file, file)


def _text(params: TextCorpus | Written, path: Path, file: RawFile) -> Iterator[Record]:
    unit = (file.documents or "file") if params.documents == "source" else params.documents
    parts = lines(path, params.encoding, params.errors, params.max_characters)
    yield from _records(parts, unit, params.max_characters, file.file, file.split, divisible=unit == "file")


def _documents(params: TextCorpus | Written, path: Path, file: RawFile) -> Iterator[Record]:
    unit = "file" if params.documents == "source" else params.documents
    for number, line in _rows(params, path):
        try:
            value = json.loads(line)
            name, text = value["document"], value["text"]
            text.encode(), name.encode()  # JSON can spell half a surrogate pair, which is no character
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnrollError(
                f'{path}: line {number}: not {{"document": name, "text": ...}} in valid Unicode ({error}); correct it'
            ) from None
        reader = StringIO(text, newline=None)
        parts = iter(lambda reader=reader: reader.readline(params.max_characters), "")  # type: ignore[misc]
        yield from _records(parts, unit, params.max_characters, name, file.split, divisible=False)


def _records(
    parts: Iterator[str], unit: str, longest: int, name: str, split: str | None, divisible: bool
) -> Iterator[Record]:
    for document in documents(parts, unit, longest):
        line = "" if unit == "file" else f":{document.line}"
        piece = f"+{document.piece}" if document.piece else ""
        yield Record(name + line + piece, {"text": document.text}, split, document.piece > 0, divisible)


def _columns(params: TextCorpus | Written, path: Path, file: RawFile) -> Iterator[Record]:
    names = FIELDS[file.format]
    if file.format == "labelled" and file.documents == "file":  # the folder says the label
        text = "".join(lines(path, params.encoding, params.errors, params.max_characters))
        yield Record(file.file, {"label": Path(file.file).parent.name, "text": text}, file.split)
        return
    for number, line in _rows(params, path):
        cells = line.split("\t") if line.strip() else [""] * len(names)
        if len(cells) < len(names):
            raise UnrollError(
                f"{path}: line {number}: there is no tab; write {' and '.join(names)} with a tab between them"
            )
        yield Record(f"{file.file}:{number}", dict(zip(names, cells, strict=False)), file.split)


def _series(params: TextCorpus | Written, path: Path, file: RawFile) -> Iterator[Record]:
    """The first column is the time (of a single column: the row), the last one the value; a header is left out."""
    rows, columns = csv.reader(line for _, line in _rows(params, path)), 0
    for number, cells in enumerate(rows, 1):
        if not any(cell.strip() for cell in cells):
            continue
        columns = columns or len(cells)
        if len(cells) != columns:
            raise UnrollError(f"{path}: line {number}: has {len(cells)} columns, the first {columns}; correct the row")
        value = cells[-1].strip()
        if not _is_number(value):
            if number == 1:
                continue
            raise UnrollError(f"{path}: line {number}: {value[:40]!r} is no finite number; correct or remove the row")
        time = cells[0] if len(cells) > 1 else str(number)
        yield Record(file.file, {"time": time, "value": value}, file.split)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _rows(params: TextCorpus | Written, path: Path) -> Iterator[tuple[int, str]]:
    """Whole lines with their numbers. A line of a table has no cap but that on what it holds."""
    for number, line in enumerate(lines(path, params.encoding, params.errors, -1), 1):
        yield number, line.removesuffix("\n")


READERS: dict[str, Callable[[TextCorpus | Written, Path, RawFile], Iterator[Record]]] = {
    "text": _text,
    "documents": _documents,
    "pairs": _columns,
    "labelled": _columns,
    "series": _series,
}
