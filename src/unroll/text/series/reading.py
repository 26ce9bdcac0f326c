"""The ways to read the rows of a series, and the choice between them. What has two readings is refused with both."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from unroll.errors import UnrollError
from unroll.params.cleaning import spell_format
from unroll.text.series import times
from unroll.text.series.columns import LISTED
from unroll.text.series.numbers import NumberFormat
from unroll.text.series.table import Row
from unroll.text.series.times import TimeFormat

SHOWN = 40
"""The number of characters of a time in a message."""
RELIABLE_ROWS = 3
"""The smallest number of rows whose whole numbers 1, 2, 3, ... are taken for times."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is read."""

    delimiter: str
    """A key of `DELIMITERS`."""
    numbers: NumberFormat
    """How values are written."""
    header: tuple[str, ...]
    """The names of the columns; empty without a header."""
    columns: int
    """The number of columns."""
    time: int | None
    """The index of the column of the time, or None."""
    values: tuple[int, ...]
    """The indices of the columns of the values."""
    times: TimeFormat | None
    """How times are written; None if they are neither dates nor numbers."""

    def describe(self) -> dict[str, Any]:
        """Return what `metrics/clean` says of the dialect."""
        used = (self.time, *self.values)
        names = self.names
        ignored = [self.column(index) for index in range(self.columns) if index not in used]
        return {
            "delimiter": self.delimiter,
            "decimal": self.numbers.decimal,
            "thousands": self.numbers.thousands,
            "header": bool(self.header),
            "value": names[0] if len(names) == 1 else list(names),
            "time": "none" if self.time is None else self.column(self.time),
            "times": self.times.kind
            if self.times
            else "neither dates nor numbers"
            if self.time is not None
            else "none",
            "ignored_columns": ignored,
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of the values, or their numbers from 1."""
        return tuple(self.column(index) for index in self.values)

    def column(self, index: int) -> str:
        """Return the name of a column, or its number from 1 if it has none."""
        return (self.header[index] if self.header else "") or str(index + 1)

    def parse(self, row: Row) -> tuple[float | None, ...]:
        """Return the values of a row; None for a cell that is not a number."""
        return tuple(self.numbers.parse(row.cells[index]) for index in self.values)


@dataclass(frozen=True)
class Reading:
    """The first rows in one dialect."""

    dialect: Dialect
    """The dialect."""
    rows: Sequence[Row]
    """The rows of the observations."""

    @cached_property
    def observations(self) -> list[tuple[str, tuple[float | None, ...]]]:
        """The times, as they are written, and the values; None for one that is missing."""
        index = self.dialect.time
        cells = [str(n) if index is None else row.cells[index] for n, row in enumerate(self.rows, 1)]
        return list(zip(cells, map(self.dialect.parse, self.rows), strict=True))

    def spell(self, number: int) -> str:
        """Return how an observation is read."""
        time, values = self.observations[number]
        spelled = ", ".join("missing" if value is None else f"{value:g}" for value in values[:LISTED])
        when = "" if self.dialect.time is None else f" at the time {time[:SHOWN]!r}"
        what = f"the value{'s' * (len(values) > 1)} {spelled}{when}"
        return f"{what} (delimiter {self.dialect.delimiter}, decimal {self.dialect.numbers.decimal})"


def most_plausible(readings: list[Reading]) -> list[Reading]:
    """Select the readings that explain most: those with times that are dates or numbers, if there are such.

    Args:
        readings: All readings.

    Returns:
        At least one reading.
    """
    timed = [reading for reading in readings if reading.dialect.times]
    columns = [reading for reading in readings if reading.dialect.delimiter != "none"]
    if columns and all(_counts_up(reading) for reading in columns):
        return columns
    return [reading for reading in readings if reading in timed or reading.dialect.time is None] if timed else readings


def _counts_up(reading: Reading) -> bool:
    """Return whether the times are dates, or whole numbers with equal steps, which values rarely are."""
    if not reading.dialect.times or reading.dialect.times.kind != "numbers":
        return bool(reading.dialect.times)
    steps = times.count_steps([time for time, _ in reading.observations])
    return len(reading.rows) >= RELIABLE_ROWS and bool(steps) and len(steps or ()) == 1 and 0 not in (steps or ())


def refuse_two_readings(first: Reading, other: Reading, location: str) -> None:
    """Raise an UnrollError with the first row that two readings read in different ways.

    Args:
        first: A reading.
        other: Another reading.
        location: The file, for messages.

    Raises:
        UnrollError: The readings differ.
    """
    if first.observations == other.observations:
        _refuse_two_dates(first, other, location)
        return
    others = {row.line: number for number, row in enumerate(other.rows)}
    for number, row in enumerate(first.rows):
        match = others.get(row.line)
        if match is None or first.observations[number] == other.observations[match]:
            continue
        chosen = first.dialect
        advice = spell_format(
            delimiter=chosen.delimiter, decimal=chosen.numbers.decimal, thousands=chosen.numbers.thousands
        )
        raise UnrollError(
            f"{location}: line {row.line}: is {first.spell(number)}, or {other.spell(match)}; choose one, for example "
            f"{advice}"
        )
    raise UnrollError(
        f"{location}: line {first.rows[0].line}: may be a header or not; say so with {spell_format(header=True)}"
    )


def _refuse_two_dates(first: Reading, other: Reading, location: str) -> None:
    formats = [reading.dialect.times for reading in (first, other) if reading.dialect.times]
    for row, (text, _) in zip(first.rows, first.observations, strict=True):
        dates = [format.normalize(text) for format in formats]
        if len(set(dates)) > 1:
            spelled = " or ".join(f"{date} ({f.kind})" for date, f in zip(dates, formats, strict=True))
            raise UnrollError(
                f"{location}: line {row.line}: {text[:SHOWN]!r} is {spelled}; choose one, for example "
                f"{spell_format(dates=formats[0].kind)}"
            )
