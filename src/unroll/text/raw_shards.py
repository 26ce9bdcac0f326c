"""Shards of a raw folder: ranges of bytes that begin with a document. Their borders depend on the files alone.

In every encoding of `DIVISIBLE`, the byte 0x0A occurs only as the end of a line, so a file is divided behind it without
being decoded. Small files share a shard.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from unroll.params.corpora import Corpus
from unroll.text.cleaner import read_setting
from unroll.text.manifest import RawFile, read_manifest

SHARD_BYTES = 1 << 24
"""A shard ends with the document that reaches this size."""
BLOCK = 1 << 20
DIVISIBLE = ("utf-8", "cp1252", "latin-1", "shift_jis", "koi8-r")
"""The encodings whose files can be divided. Those of 16 or 32 bits have other ends of lines, and the decoders of
GB 18030 and EUC-KR join some undecodable bytes with the end of the line behind them."""
ENDS = {"line": re.compile(rb"\n"), "paragraph": re.compile(rb"\n\r?\n")}
"""What stands before a document. Other ends of lines and other blank lines are not looked for."""


@dataclass(frozen=True)
class Part:
    """A range of bytes of a file, or a whole file."""

    file: RawFile
    """The file."""
    start: int = 0
    """The first byte."""
    stop: int | None = None
    """The byte behind the last one; None for the end of the file."""
    lines: int = 0
    """The number of lines before the part."""


RawShard = tuple[Part, ...]


def divide(params: Corpus, folder: Path) -> Iterator[RawShard]:
    """Divide a raw folder into shards.

    Args:
        params: The entry of `corpora` in params.yaml.
        folder: The raw folder.

    Yields:
        The shards in the order of the files.

    Raises:
        UnrollError: The manifest is unreadable.
    """
    shard: list[Part] = []
    size = 0
    for file in read_manifest(folder):
        for part in _divide_file(params, folder, file):
            shard.append(part)
            size += (_size(folder / file.file) if part.stop is None else part.stop) - part.start
            if size >= SHARD_BYTES:
                yield tuple(shard)
                shard, size = [], 0
    if shard:
        yield tuple(shard)


def _divide_file(params: Corpus, folder: Path, file: RawFile) -> Iterator[Part]:
    path, unit = folder / file.file, _unit(params, file)
    size = _size(path)
    page = read_setting(params, "markup") == "html" and unit != "line"  # a blank line may be a part of a script
    if page or unit not in ENDS or read_setting(params, "encoding") not in DIVISIBLE or size <= SHARD_BYTES:
        yield Part(file)
        return
    start = lines = 0
    with path.open("rb") as content:
        while (stop := _find_border(content, start + SHARD_BYTES, ENDS[unit])) < size:
            yield Part(file, start, stop, lines)
            lines += _count_lines(content, start, stop)
            start = stop
    yield Part(file, start, None, lines)


def _unit(params: Corpus, file: RawFile) -> str:
    """Return what a document of a file is. A row of a table is a line, unless a cell may contain an end of line."""
    match file.format:
        case "documents" | "pairs" | "labelled-lines":
            return "line"
        case "labelled":
            return file.documents or "line"
        case "tagged" | "conllu":
            return "paragraph"
        case "text":
            documents = read_setting(params, "documents")
            return (file.documents or "file") if documents == "source" else documents
    return "file"


def _size(path: Path) -> int:
    """Return the size of a file; 0 without such a file, which is an error when it is read."""
    return path.stat().st_size if path.is_file() else 0


def _find_border(content: BinaryIO, position: int, end: re.Pattern[bytes]) -> int:
    """Return the position behind the first match that ends behind `position`, or the end of the file."""
    content.seek(position)
    before = b""
    while block := content.read(BLOCK):
        window = before + block
        if match := end.search(window):
            return position - len(before) + match.end()
        position += len(block)
        before = window[-2:]  # a match may begin in one block and end in the next one
    return position


def _count_lines(content: BinaryIO, start: int, stop: int) -> int:
    """Count the ends of lines in a range of bytes: LF, CRLF or CR. The last byte of the range is LF."""
    content.seek(start)
    count, last = 0, b""
    for first in range(start, stop, BLOCK):
        block = last + content.read(min(BLOCK, stop - first))
        last = b"\r" if block.endswith(b"\r") else b""  # the LF after it may be in the next block
        block = block.removesuffix(b"\r")
        count += block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")
    return count
