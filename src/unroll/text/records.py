"""Records: the documents, pairs, labelled texts, tagged sentences and observations of a raw folder, before cleaning.

Running text is divided into documents: lines, paragraphs or files, none longer than a limit.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from unroll.errors import UnrollError
from unroll.params.cleaning import AUTO, SeriesFormat
from unroll.params.corpora import Corpus
from unroll.params.formats import ColumnsFormat
from unroll.text.cleaner import drop_hidden, read_setting
from unroll.text.document_table import value_fields
from unroll.text.encoding import read_lines
from unroll.text.manifest import read_manifest
from unroll.text.raw_shards import Part, RawShard
from unroll.text.series.observations import describe, read_columns, read_observations
from unroll.text.tagged.sentences import COLUMNS, read_sentences

FIELDS = {
    "text": ("text",),
    "documents": ("text",),
    "pairs": ("source", "target"),
    "labelled": ("label", "text"),
    "labelled-lines": ("label", "text"),
    "tagged": ("tags", "text"),
    "conllu": ("tags", "text"),
}
"""The names of a record's fields, by the format of its file. Those of a series depend on its columns."""
MISSING = "nan"
"""The text of a missing value of a series, which becomes the number NaN in the clean table."""


@dataclass(frozen=True, slots=True)
class Record:
    """One document of running text, one sentence pair, labelled text or tagged sentence, or one observation."""

    name: str
    """Its origin: file and line, topic or module."""
    fields: dict[str, str]
    """The texts by field name, as in `FIELDS`. Labels, tags, times and values are not cleaned. Tabs separate the tokens
    of a tagged sentence, and its tags."""
    split: str | None = None
    """`train`, `valid` or `test` if the source defines splits."""
    continues: bool = False
    """Whether it continues the record before it, which was longer than `max_characters`."""
    divisible: bool = False
    """Whether a split may begin inside it. Only the parts of a whole file are divisible."""
    changed: Mapping[str, int] = field(default_factory=dict)
    """The number of parts of its lines that are no field of it, by reason."""


def field_names(params: Corpus, folder: Path) -> tuple[str, ...]:
    """Return the names of the fields of a raw folder's records.

    Args:
        params: The entry of `corpora` in params.yaml.
        folder: The raw folder.

    Returns:
        A value of `FIELDS`, or the time and the values of a series.

    Raises:
        UnrollError: The manifest is unreadable, the files have different fields, or a row of a series is not an
            observation or has two readings.
    """
    by_file = {
        file.file: _series_fields(params, folder / file.file, Part(file))
        if file.format == "series"
        else FIELDS[file.format]
        for file in read_manifest(folder)
    }
    if len(set(by_file.values())) > 1:
        raise UnrollError(f"{folder}: its files have different fields ({by_file}); keep one kind per corpus")
    return next(iter(by_file.values()))


def read_records(params: Corpus, folder: Path, shard: RawShard) -> Iterator[Record]:
    """Yield the records of a shard of a raw folder in order.

    Args:
        params: The entry of `corpora` in params.yaml.
        folder: The raw folder.
        shard: The shard (`unroll.text.raw_shards.divide`).

    Yields:
        The records, uncleaned.

    Raises:
        UnrollError: A file is unreadable or a line has the wrong format.
    """
    for part in shard:
        yield from READERS[part.file.format](params, folder / part.file.file, part)


def _read_text(params: Corpus, path: Path, part: Part) -> Iterator[Record]:
    file, documents = part.file, read_setting(params, "documents")
    unit = (file.documents or "file") if documents == "source" else documents
    lines = _read_lines(params, path, part, params.max_characters)
    if read_setting(params, "markup") == "html":
        lines = drop_hidden(lines, unit, str(path))
    yield from _segment(
        lines, unit, params.max_characters, file.file, file.split, divisible=unit == "file", before=part.lines
    )


def _read_documents(params: Corpus, path: Path, part: Part) -> Iterator[Record]:
    documents = read_setting(params, "documents")
    unit = "file" if documents == "source" else documents
    for number, line in _numbered_lines(params, path, part):
        try:
            value = json.loads(line)
            name, text = value["document"], value["text"]
            text.encode(), name.encode()  # JSON can contain a lone surrogate, which is not valid Unicode
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UnrollError(
                f'{path}: line {number}: not {{"document": name, "text": ...}} in valid Unicode ({error}); correct it'
            ) from None
        reader = StringIO(text, newline=None)
        lines = iter(lambda reader=reader: reader.readline(params.max_characters), "")  # type: ignore[misc]
        if read_setting(params, "markup") == "html":
            lines = drop_hidden(lines, unit, f"{path}: line {number}: {name!r}")
        yield from _segment(lines, unit, params.max_characters, name, part.file.split, divisible=False)


def _segment(
    lines: Iterator[str],
    unit: str,
    max_characters: int,
    name: str,
    split: str | None,
    divisible: bool,
    before: int = 0,
) -> Iterator[Record]:
    for document in segment(lines, unit, max_characters):
        line = "" if unit == "file" else f":{before + document.line}"
        suffix = f"+{document.continuation}" if document.continuation else ""
        yield Record(name + line + suffix, {"text": document.text}, split, document.continuation > 0, divisible)


def _read_columns(params: Corpus, path: Path, part: Part) -> Iterator[Record]:
    file, names = part.file, FIELDS[part.file.format]
    if file.format == "labelled" and file.documents == "file":  # the name of the folder is the label
        text = "".join(_read_lines(params, path, part, params.max_characters))
        yield Record(file.file, {"label": Path(file.file).parent.name, "text": text}, file.split)
        return
    for number, line in _numbered_lines(params, path, part):
        record_name = f"{file.file}:{number}"
        if file.format == "labelled-lines":  # the name of the file is the label
            yield Record(record_name, {"label": file.label or Path(file.file).stem, "text": line}, file.split)
            continue
        # A tab inside a labelled text is white space of this text. Pairs may have columns of notes behind them.
        cells = line.split("\t", -1 if file.format == "pairs" else 1) if line.strip() else [""] * len(names)
        if len(cells) < len(names):
            raise UnrollError(
                f"{path}: line {number}: there is no tab; write {' and '.join(names)} with a tab between them"
            )
        ignored = {"ignored_columns": len(cells) - len(names)}
        yield Record(record_name, dict(zip(names, cells, strict=False)), file.split, changed=ignored)


def _read_tagged(params: Corpus, path: Path, part: Part) -> Iterator[Record]:
    file, format = part.file, getattr(params, "format", None)
    settings = COLUMNS
    if file.format == "conllu":
        settings = {"kind": "conllu", "tag": getattr(params, "tag", None) or getattr(format, "tag", None)}
    elif isinstance(format, ColumnsFormat):
        settings = format.model_dump()
    for sentence in read_sentences(_numbered_lines(params, path, part), settings, str(path)):
        fields = {"tags": "\t".join(sentence.tags), "text": "\t".join(sentence.tokens)}
        changed = {reason: getattr(sentence, reason) for reason in ("ignored_columns", "token_ranges", "empty_nodes")}
        yield Record(f"{file.file}:{sentence.line}", fields, file.split, changed=changed)


def _read_series(params: Corpus, path: Path, part: Part) -> Iterator[Record]:
    """Yield one record per observation, in the order of time."""
    names = _series_fields(params, path, part)
    for observation in read_observations(_numbered_lines(params, path, part), _series_settings(params), str(path)):
        values = (MISSING if value is None else repr(value) for value in observation.values)
        yield Record(part.file.file, dict(zip(names, (observation.time, *values), strict=True)), part.file.split)


def _series_fields(params: Corpus, path: Path, part: Part) -> tuple[str, ...]:
    """Return the names of the fields of a file of a series: the time, and a number for each column of values."""
    columns = read_columns(_numbered_lines(params, path, part), _series_settings(params), str(path))
    return ("time", *value_fields(columns))


def describe_series(params: Corpus, folder: Path) -> dict[str, dict[str, Any]]:
    """Describe how the files of a series are read.

    Args:
        params: The entry of `corpora` in params.yaml.
        folder: The raw folder.

    Returns:
        What `unroll.text.series.observations.describe` says of each file, by its name.

    Raises:
        UnrollError: A file is unreadable, or a row is not an observation or has two readings.
    """
    settings = _series_settings(params)
    files = {file.file: _numbered_lines(params, folder / file.file, Part(file)) for file in read_manifest(folder)}
    return {name: describe(lines, settings, str(folder / name)) for name, lines in files.items()}


def _series_settings(params: Corpus) -> dict[str, Any]:
    format = getattr(params, "format", None)
    return format.model_dump() if isinstance(format, SeriesFormat) else AUTO


def _read_lines(params: Corpus, path: Path, part: Part, limit: int) -> Iterator[str]:
    """Yield the lines of a part of a file, in pieces of at most `limit` characters (-1 for no limit)."""
    encoding, errors = read_setting(params, "encoding"), read_setting(params, "errors")
    return read_lines(path, encoding, errors, limit, part.start, part.stop)


def _numbered_lines(params: Corpus, path: Path, part: Part) -> Iterator[tuple[int, str]]:
    """Yield whole lines of a table with their numbers. `max_characters` limits fields, not lines."""
    for number, line in enumerate(_read_lines(params, path, part, -1), part.lines + 1):
        yield number, line.removesuffix("\n")


READERS: dict[str, Callable[[Corpus, Path, Part], Iterator[Record]]] = {
    "text": _read_text,
    "documents": _read_documents,
    "pairs": _read_columns,
    "labelled": _read_columns,
    "labelled-lines": _read_columns,
    "tagged": _read_tagged,
    "conllu": _read_tagged,
    "series": _read_series,
}


@dataclass(frozen=True, slots=True)
class Document:
    """A document, or one part of a document that is longer than the limit."""

    line: int
    """The number of the line where it begins, counted from 1."""
    text: str
    """The text."""
    continuation: int
    """0, or k for the k-th continuation of a document that is longer than the limit."""


def segment(lines: Iterator[str], unit: str, limit: int) -> Iterator[Document]:
    r"""Divide lines into documents.

    Args:
        lines: The lines with a final "\n", or parts of lines, as `unroll.text.encoding.read_lines` yields them.
        unit: `line`, `paragraph` (the lines between blank lines) or `file`.
        limit: The maximum number of characters of a document. A longer document is divided into parts, after white
            space if possible.

    Yields:
        The documents in order. The "\n" that ends a line or paragraph is not part of it.
    """
    parts: list[str] = []
    size, continuation, number, begin, at_line_start = 0, 0, 1, 1, True
    for part in lines:
        if unit == "paragraph" and at_line_start and part.isspace():
            if parts:
                yield Document(begin, "".join(parts).removesuffix("\n"), continuation)
            parts, size, continuation = [], 0, 0
            number += part.endswith("\n")
            continue
        if not parts:
            begin = number
        parts.append(part)
        size += len(part)
        at_line_start = part.endswith("\n")
        number += at_line_start
        while size > limit:
            text = "".join(parts)
            end = _cut_position(text, limit)
            yield Document(begin, text[:end], continuation)
            parts, size, continuation = [text[end:]], len(text) - end, continuation + 1
        if unit == "line" and at_line_start:
            yield Document(begin, "".join(parts).removesuffix("\n"), continuation)
            parts, size, continuation = [], 0, 0
    if parts:
        text = "".join(parts)
        yield Document(begin, text if unit == "file" else text.removesuffix("\n"), continuation)


def _cut_position(text: str, limit: int) -> int:
    """Return the position after the last white space in the second half of the first `limit` characters, or `limit`."""
    for end in range(limit, limit // 2, -1):
        if text[end - 1].isspace():
            return end
    return limit
