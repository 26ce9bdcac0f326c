"""The dialect of a series: delimiter, numbers, header, columns and times, as the settings say or as they are found."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from unroll.errors import UnrollError
from unroll.params.cleaning import spell_format
from unroll.text.series import numbers, times
from unroll.text.series.columns import AUTO, LISTED, NONE, SHOWN, find_columns, find_header
from unroll.text.series.numbers import NumberFormat, is_missing
from unroll.text.series.reading import Dialect, Reading, most_plausible, refuse_two_readings
from unroll.text.series.table import DELIMITERS, Row, first_uneven, read_rows
from unroll.text.series.times import TimeFormat

CERTAIN = ("tab", "semicolon", "bar")
"""The delimiters that are no part of a number or date. If there is one, no other character is the delimiter."""
SHORT_YEAR = re.compile(r"[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{2}(?: .*)?")


def find(lines: Sequence[tuple[int, str]], settings: dict[str, Any], location: str) -> Dialect | None:
    """Find the dialect of a file.

    Args:
        lines: The first lines of the file, numbered from 1.
        settings: The fields of `unroll.params.cleaning.SeriesFormat`.
        location: The file, for messages.

    Returns:
        The dialect; None if no line has an observation.

    Raises:
        UnrollError: A row is not an observation, or has two readings.
    """
    delimiters = _delimiters(lines, settings["delimiter"], location)
    readings: list[Reading] = []
    errors: list[UnrollError] = []
    for delimiter in delimiters:
        try:
            readings += _readings(lines, delimiter, settings, location)
        except UnrollError as error:
            errors.append(error)
    if not readings and errors:
        raise errors[0]
    if not readings:
        return None
    readings = most_plausible(readings)
    first = readings[0]
    for other in readings[1:]:
        refuse_two_readings(first, other, location)
    return first.dialect


def _delimiters(lines: Sequence[tuple[int, str]], chosen: str, location: str) -> Sequence[str]:
    """Return the delimiters that the file may have, the likeliest first."""
    if chosen != AUTO:
        return (chosen,)
    for name in CERTAIN:
        occurs = [number for number, line in lines if DELIMITERS[name] in line]
        rows = list(read_rows(lines, name, location, strict=False))
        if occurs and rows and not first_uneven(rows) and len(rows[0].cells) > 1:
            return (name,)
    for name in (*CERTAIN, "comma"):  # the error for a row with another number of columns is about this delimiter
        rows = list(read_rows(lines, name, location, strict=False))
        if sum(len(row.cells) > 1 for row in rows) > len(rows) / 2:
            return (name,) if name in CERTAIN else ("comma", "space", NONE)
    return ("space", NONE) if any(" " in line.strip() for _, line in lines) else (NONE,)


def _readings(
    lines: Sequence[tuple[int, str]], delimiter: str, settings: dict[str, Any], location: str
) -> Iterator[Reading]:
    """Yield the readings of a file with one delimiter."""
    rows = list(read_rows(lines, delimiter, location, strict=False))
    if not rows:
        return
    check_columns(rows, location)
    header = find_header(rows, settings, delimiter)
    names, rows = (rows[0].cells, rows[1:]) if header else ((), rows)
    if not rows:
        return
    if delimiter in (NONE, "space") and any(character in " ".join(names) for character in ",;\t|"):
        return  # the header names several columns, which another delimiter separates
    if settings["delimiter"] == AUTO and delimiter != NONE and len(rows[0].cells) == 1:
        return
    time, values = find_columns(names, rows, settings, delimiter, location)
    unlikely = ("point",) if delimiter == "comma" else ()
    texts = [cell for row in rows for index in values if not is_missing(cell := row.cells[index])]
    formats = list(numbers.find_formats(texts, settings["decimal"], settings["thousands"], unlikely))
    if not formats:
        _refuse_value(rows, values, names, settings, location)
    times_found = [None] if time is None else _find_times(rows, time, settings, location)
    for format, _ in formats:
        for kind in times_found:
            yield Reading(Dialect(delimiter, format, names, len(rows[0].cells), time, values, kind), rows)


def check_columns(rows: Sequence[Row], location: str) -> None:
    """Raise an UnrollError if a row has another number of columns than the first one."""
    if uneven := first_uneven(rows):
        row, columns = uneven
        raise uneven_row(row, columns, location)


def uneven_row(row: Row, columns: int, location: str) -> UnrollError:
    """Return the error for a row that has another number of columns than the first one."""
    has = f"has {len(row.cells)} column{'s' * (len(row.cells) != 1)}, the first row has {columns}"
    if len(row.cells) > columns and re.fullmatch(r"[0-9]{3}(?:[.,][0-9]+)?", row.cells[-1]):
        return UnrollError(
            f"{location}: line {row.line}: {has}, so {row.cells[-2][:SHOWN]},{row.cells[-1][:SHOWN]} is two columns or "
            "one number with a separator of thousands; quote the number, or correct the row"
        )
    return UnrollError(f"{location}: line {row.line}: {has}; correct the row")


def _refuse_value(
    rows: Sequence[Row], values: Sequence[int], names: Sequence[str], settings: dict[str, Any], location: str
) -> None:
    """Raise the error for the first value that is not a number in the format that fits most of the values."""
    cells = [(row, index) for row in rows for index in values if not is_missing(row.cells[index])]
    formats = [
        format
        for format in numbers.FORMATS
        if settings["decimal"] in (AUTO, format.decimal) and settings["thousands"] in (AUTO, format.thousands)
    ]
    best = max(formats, key=lambda format: sum(format.parse(row.cells[index]) is not None for row, index in cells))
    row, index = next((row, index) for row, index in cells if best.parse(row.cells[index]) is None)
    numeric = [i for i in values if any(best.parse(row.cells[i]) is not None for row in rows)]
    if index not in numeric and numeric and settings["value"] == AUTO:
        advice = spell_format(value=[names[i][:SHOWN] if names else i + 1 for i in numeric[:LISTED]])
        raise UnrollError(
            f"{location}: line {row.line}: {row.cells[index][:SHOWN]!r} in column {names[index][:SHOWN]} is not a "
            f"number; name the columns of the values, for example {advice}"
        )
    raise bad_value(row, index, best, location)


def bad_value(row: Row, index: int, format: NumberFormat, location: str) -> UnrollError:
    """Return the error for a value that is not a number in the format of the others."""
    text = row.cells[index]
    like = "" if text.isascii() and not text.strip("?.,-") else f" like the others (decimal {format.decimal})"
    return UnrollError(
        f"{location}: line {row.line}: {text[:SHOWN]!r} is not a finite number{like}; correct or remove the row, or "
        "write NA for a missing value"
    )


def _find_times(rows: Sequence[Row], time: int, settings: dict[str, Any], location: str) -> Sequence[TimeFormat | None]:
    """Return the formats of the times; two if days and months can be exchanged and both readings have an order."""
    texts = [row.cells[time] for row in rows]
    formats = times.find_formats(texts, settings["dates"])
    if not formats and settings["order"] != "keep" and all(SHORT_YEAR.fullmatch(text) for text in texts):
        raise UnrollError(
            f"{location}: line {rows[0].line}: the year of {texts[0][:SHOWN]!r} has two digits; write four digits, or "
            f"keep the order of the rows with {spell_format(order='keep')}"
        )
    if len(formats) > 1:
        keys = [[format.parse(text) for text in texts] for format in formats]
        if keys[0] == keys[1]:
            return formats[:1]
        ordered = [f for f, k in zip(formats, keys, strict=True) if k in (sorted(k), sorted(k, reverse=True))]  # type: ignore[type-var]
        formats = ordered or formats
    return formats or [None]
