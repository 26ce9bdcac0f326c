"""The observations of a series: times and values of a CSV file in the order of time."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from unroll.errors import UnrollError
from unroll.params.cleaning import spell_format
from unroll.text.series.columns import AUTO
from unroll.text.series.dialect import bad_value, find, uneven_row
from unroll.text.series.numbers import is_missing
from unroll.text.series.reading import SHOWN, Dialect
from unroll.text.series.table import DELIMITERS, read_rows
from unroll.text.series.times import Key

SEPARATOR_LINE = re.compile(r"sep=(.)", re.IGNORECASE)
SAMPLE = 10_000
"""The number of lines in which the dialect is found. All other lines must have the same dialect."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The values of a series at one time."""

    line: int
    """Its line in the file."""
    time: str
    """Its time as a number or an ISO date, or else as it is written; its number from 1 if the file has no times."""
    values: tuple[float | None, ...]
    """The values, one for each column; None for one that is missing."""
    key: Key | None
    """The time as a number, or None if it is neither a date nor a number."""


def describe(lines: Iterable[tuple[int, str]], settings: dict[str, Any], location: str) -> dict[str, Any]:
    """Describe how a file is read.

    Args:
        lines: The lines of the file without their ends, numbered from 1.
        settings: The fields of `unroll.params.cleaning.SeriesFormat`.
        location: The file, for messages.

    Returns:
        The settings that were found, with the order of the rows; empty if there is no observation.

    Raises:
        UnrollError: A row is not an observation, or has two readings.
    """
    first, _, settings = _sample(lines, settings)
    dialect = find(first, settings, location)
    if dialect is None:
        return {}
    keys = [observation.key for observation in islice(_parse(first, dialect, location), 2)]
    order = "ascending"
    if settings["order"] == "keep" or dialect.times is None:
        order = "that of the rows"
    elif settings["order"] == "sort":
        order = "sorted"
    elif _descend(keys):
        order = "descending, now reversed"
    return dialect.describe() | {"order": order}


def read_columns(lines: Iterable[tuple[int, str]], settings: dict[str, Any], location: str) -> tuple[str, ...]:
    """Return the names of the columns of the values.

    Args:
        lines: The lines of the file without their ends, numbered from 1.
        settings: The fields of `unroll.params.cleaning.SeriesFormat`.
        location: The file, for messages.

    Returns:
        The names, or the numbers from 1 of columns without a name; empty if there is no observation.

    Raises:
        UnrollError: A row is not an observation, or has two readings.
    """
    first, _, settings = _sample(lines, settings)
    dialect = find(first, settings, location)
    return dialect.names if dialect else ()


def read_observations(
    lines: Iterable[tuple[int, str]], settings: dict[str, Any], location: str
) -> Iterator[Observation]:
    """Yield the observations of a file in the order of time.

    Args:
        lines: The lines of the file without their ends, numbered from 1.
        settings: The fields of `unroll.params.cleaning.SeriesFormat`.
        location: The file, for messages.

    Yields:
        The observations.

    Raises:
        UnrollError: A row is not an observation, or has two readings, or the times have no order.
    """
    first, lines, settings = _sample(lines, settings)
    dialect = find(first, settings, location)
    if dialect is None:
        return
    observations = _parse(chain(first, lines), dialect, location)
    if dialect.times is None or settings["order"] == "keep":
        yield from observations
        return
    if settings["order"] == "sort":
        observations = iter(sorted(observations, key=lambda observation: observation.key or 0))
    start = list(islice(observations, 2))
    descending = _descend([observation.key for observation in start])
    ordered = _check_order(chain(start, observations), descending, dialect.times.kind == "numbers", location)
    yield from reversed(list(ordered)) if descending else ordered


def _sample(
    lines: Iterable[tuple[int, str]], settings: dict[str, Any]
) -> tuple[list[tuple[int, str]], Iterator[tuple[int, str]], dict[str, Any]]:
    """Return the first lines, the others, and the settings; Excel names the delimiter in a first line `sep=;`."""
    lines = iter(lines)
    first = list(islice(lines, SAMPLE))
    match = SEPARATOR_LINE.fullmatch(first[0][1].strip(" \ufeff")) if first else None
    names = [name for name, character in DELIMITERS.items() if match and character == match[1]]
    if names and settings["delimiter"] in (AUTO, names[0]):
        first[0], settings = (first[0][0], ""), settings | {"delimiter": names[0]}
    return first, lines, settings


def _descend(keys: list[Key | None]) -> bool:
    return len(keys) > 1 and keys[0] is not None and keys[1] is not None and keys[1] < keys[0]


def _parse(lines: Iterable[tuple[int, str]], dialect: Dialect, location: str) -> Iterator[Observation]:
    rows = read_rows(lines, dialect.delimiter, location)
    if dialect.header:
        next(rows)
    for number, row in enumerate(rows, 1):
        if len(row.cells) != dialect.columns:
            raise uneven_row(row, dialect.columns, location)
        values = dialect.parse(row)
        for index, value in zip(dialect.values, values, strict=True):
            if value is None and not is_missing(row.cells[index]):
                raise bad_value(row, index, dialect.numbers, location)
        time = str(number) if dialect.time is None else row.cells[dialect.time]
        key = None
        if dialect.times is not None:
            key = dialect.times.parse(time)
            if key is None:
                raise UnrollError(
                    f"{location}: line {row.line}: the time {time[:SHOWN]!r} is not one of the {dialect.times.kind} of "
                    "the rows before it; correct it"
                )
            time = dialect.times.normalize(time)
        yield Observation(row.line, time, values, key)


def _check_order(
    observations: Iterable[Observation], descending: bool, are_numbers: bool, location: str
) -> Iterator[Observation]:
    """Yield the observations, and raise an UnrollError if one has the time of the one before, or breaks the order."""
    before: Observation | None = None
    for observation in observations:
        if before is not None and before.key is not None and observation.key is not None:
            place, time = f"{location}: line {observation.line}", observation.time[:SHOWN]
            if observation.key == before.key:
                raise UnrollError(
                    f"{place}: has the time {time} of line {before.line}; keep one row for each time, or accept equal "
                    f"times with {spell_format(order='keep')}"
                )
            if (observation.key < before.key) != descending:
                raise UnrollError(
                    f"{place}: the time {time} is {'after' if descending else 'before'} {before.time[:SHOWN]} of line "
                    f"{before.line}, while the rows before {'descend' if descending else 'ascend'}; sort them with "
                    f"{spell_format(order='sort')}"
                    + (", or set time: none if they are no times" if are_numbers else "")
                )
        yield observation
        before = observation
