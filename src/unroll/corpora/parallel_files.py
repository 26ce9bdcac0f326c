"""Corpora that come in several parallel files, put together line by line. Bytes stay as they are, decoded by no one."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from unroll.errors import UnrollError


def columns(files: Sequence[Path], table: Path) -> None:
    """Write `table` with one tab-separated column per file: line n of each. All must have as many lines."""
    with table.open("wb") as out:
        handles = [file.open("rb") for file in files]
        try:
            for number, lines in enumerate(zip_longest(*handles), start=1):
                if None in lines:
                    short = files[lines.index(None)].name
                    raise UnrollError(f"{short}: has no line {number}, as its parallel file has; take matching files")
                out.write(b"\t".join(_cell(line) for line in lines) + b"\n")
        finally:
            for handle in handles:
                handle.close()


def labelled(files: Mapping[str, Path], table: Path) -> None:
    """Write `table` with two columns, label and line, for every line of each file by label."""
    with table.open("wb") as out:
        for label, file in files.items():
            with file.open("rb") as handle:
                for line in handle:
                    out.write(label.encode() + b"\t" + _cell(line) + b"\n")


def _cell(line: bytes) -> bytes:
    return line.rstrip(b"\r\n").replace(b"\t", b" ")
