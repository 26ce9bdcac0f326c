"""Combine parallel files line by line into one table. The bytes of the lines are not decoded."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from unroll.errors import UnrollError


def write_columns(files: Sequence[Path], table: Path) -> None:
    """Write a table with one tab-separated column for each file; row n contains line n of each file.

    Raises:
        UnrollError: The files have different numbers of lines.
    """
    with table.open("wb") as out:
        handles = [file.open("rb") for file in files]
        try:
            for number, lines in enumerate(zip_longest(*handles), start=1):
                if None in lines:
                    short = files[lines.index(None)].name
                    raise UnrollError(
                        f"{short}: has no line {number}, but its parallel file has one; take matching files"
                    )
                out.write(b"\t".join(_cell(line) for line in lines) + b"\n")
        finally:
            for handle in handles:
                handle.close()


def write_labelled(files: Mapping[str, Path], table: Path) -> None:
    """Write a table with the columns label and line, for the lines of every file by label."""
    with table.open("wb") as out:
        for label, file in files.items():
            with file.open("rb") as handle:
                for line in handle:
                    out.write(label.encode() + b"\t" + _cell(line) + b"\n")


def _cell(line: bytes) -> bytes:
    return line.rstrip(b"\r\n").replace(b"\t", b" ")
