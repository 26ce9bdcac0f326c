"""Rows of a CSV file with their line numbers."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from unroll.errors import UnrollError

DELIMITERS = {"tab": "\t", "semicolon": ";", "bar": "|", "comma": ",", "space": " ", "none": "\x1f"}
"""The characters that separate columns, by name. A file with one column is read with a character that text lacks."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row."""

    line: int
    """The number of its last line, from 1."""
    cells: tuple[str, ...]
    """The cells without white space at both ends."""


def read_rows(lines: Iterable[tuple[int, str]], delimiter: str, location: str, strict: bool = True) -> Iterator[Row]:
    """Yield the rows that are not blank.

    Args:
        lines: The lines without their ends, numbered from 1.
        delimiter: A key of `DELIMITERS`.
        location: The file, for messages.
        strict: Whether quotes in the wrong place are an error. Otherwise they are a part of the cell.

    Yields:
        A row.

    Raises:
        UnrollError: Quotes are in the wrong place, or a cell is too long.
    """
    character = DELIMITERS[delimiter]
    text = (line.strip(" ") if delimiter == "space" else line for _, line in lines)
    rows = csv.reader(text, delimiter=character, skipinitialspace=True, strict=strict)
    try:
        for cells in rows:
            stripped = tuple(cell.strip() for cell in cells)
            if any(stripped):
                yield Row(rows.line_num, stripped)
    except csv.Error as error:
        raise UnrollError(
            f"{location}: line {rows.line_num}: is not a row of CSV with delimiter {delimiter} ({error}); correct it"
        ) from None


def first_uneven(rows: Iterable[Row]) -> tuple[Row, int] | None:
    """Return the first row that has another number of columns than the first one, with that number."""
    columns = 0
    for row in rows:
        columns = columns or len(row.cells)
        if len(row.cells) != columns:
            return row, columns
    return None
