"""The header of a series, and its columns of the time and of the values."""

import re
from collections.abc import Sequence
from typing import Any

from unroll.errors import UnrollError
from unroll.params.cleaning import spell_format
from unroll.text.series import numbers, times
from unroll.text.series.numbers import is_missing
from unroll.text.series.table import Row

AUTO, NONE = "auto", "none"
LISTED, SHOWN = 6, 40
"""How many names of columns a message has, and how many characters of each."""


def find_header(rows: Sequence[Row], settings: dict[str, Any], delimiter: str) -> bool:
    """Return whether the first row names the columns: its values or times are none, and those of the next rows are."""
    if isinstance(settings["header"], bool):
        return settings["header"]
    chosen = [settings["time"], *_listed(settings["value"])]
    if any(isinstance(column, str) and column not in (AUTO, NONE) for column in chosen):
        return True
    first, others = rows[0].cells, rows[1:]
    if any(cell and is_missing(cell) for cell in first):
        return False
    if not any(_is_number(cell, settings) for cell in first):
        has_time = len(first) > 1 and times.find_formats([first[0]], settings["dates"])
        return not has_time and any(character.isalpha() for character in "".join(first))
    letters = any(character.isalpha() for character in first[0])
    is_name = len(first) > 1 and letters and not times.find_formats([first[0]], AUTO)
    return bool(is_name and others and times.find_formats([row.cells[0] for row in others], AUTO))


def _is_number(text: str, settings: dict[str, Any]) -> bool:
    return next(numbers.find_formats([text], settings["decimal"], settings["thousands"]), None) is not None


def find_columns(
    names: Sequence[str], rows: Sequence[Row], settings: dict[str, Any], delimiter: str, location: str
) -> tuple[int | None, tuple[int, ...]]:
    """Return the index of the column of the time, and those of the columns of the values.

    If the settings do not name the values, they are all columns beside the time, provided that a header names them:
    without one, a comma may separate two columns, groups of digits, or a number and its fraction.
    """
    columns, row = len(rows[0].cells), rows[0]
    time = _column(settings["time"], "time", names, columns, location)
    found = [_column(setting, "value", names, columns, location) for setting in _listed(settings["value"])]
    values = tuple(index for index in found if index is not None)
    if settings["time"] == AUTO:
        time = 0 if columns > 1 and 0 not in values else None
    rest = [index for index in range(columns) if index != time]
    if not values and (names or len(rest) == 1):
        values = tuple(index for index in rest if len(rest) == 1 or names[index] or not _is_empty(rows, index))
        _refuse_equal_names(names, values, location)
    if not values:
        listed = _list([str(index + 1) for index in rest])
        advice = spell_format(value=[index + 1 for index in rest[:LISTED]])
        joined = ",".join(row.cells[1:])
        if delimiter == "comma" and re.fullmatch(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", joined):
            raise UnrollError(
                f"{location}: line {row.line}: {joined[:SHOWN]} is {len(rest)} columns, or one number with a separator "
                f"of thousands; quote the number, or name the column of the value: {advice}"
            )
        raise UnrollError(
            f"{location}: line {row.line}: has {len(rest)} columns beside the time ({listed}) and no header; name the "
            f"columns of the values, for example {advice}"
        )
    if time in values:
        raise UnrollError(f"{location}: the time and the value are the same column; change time or value of format")
    if len(set(values)) < len(values):
        raise UnrollError(f"{location}: value of format names a column twice; name each column once")
    return time, values


def _is_empty(rows: Sequence[Row], index: int) -> bool:
    """Return whether a column has no cells, like the one behind a comma at the end of each line."""
    return not any(row.cells[index] for row in rows)


def _listed(setting: Any) -> Sequence[Any]:
    """Return the setting `value` as a list of columns."""
    return setting if isinstance(setting, list | tuple) else [setting]


def _refuse_equal_names(names: Sequence[str], values: Sequence[int], location: str) -> None:
    """Raise an UnrollError if two columns of values have the same name, which is not empty."""
    found = [names[index] for index in values if names and names[index]]
    for index, name in enumerate(found):
        if name in found[:index]:
            raise UnrollError(f"{location}: two columns of values have the name {name[:SHOWN]!r}; rename one of them")


def _column(setting: str | int, key: str, names: Sequence[str], columns: int, location: str) -> int | None:
    if setting in (AUTO, NONE):
        return None
    if isinstance(setting, int) and setting <= columns:
        return setting - 1
    if isinstance(setting, str) and names.count(setting) == 1:
        return names.index(setting)
    there = f"its columns are {_list(names)}" if names else f"it has {columns} columns and no header"
    raise UnrollError(f"{location}: has no one column {setting}, as {key} of format says; {there}")


def _list(names: Sequence[str]) -> str:
    """Return the first names for a message."""
    return ", ".join([name[:SHOWN] for name in names[:LISTED]] + ["..."] * (len(names) > LISTED))
