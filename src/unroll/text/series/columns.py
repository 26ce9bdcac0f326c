"""The header of a series, and its columns of the time and of the value."""

import re
from collections.abc import Sequence
from typing import Any

from unroll.errors import UnrollError
from unroll.params.cleaning import spell_format
from unroll.text.series import numbers, times
from unroll.text.series.table import Row

AUTO, NONE = "auto", "none"
LISTED, SHOWN = 6, 40
"""How many names of columns a message has, and how many characters of each."""


def find_header(rows: Sequence[Row], settings: dict[str, Any], delimiter: str) -> bool:
    """Return whether the first row names the columns: its values or times are none, and those of the next rows are."""
    if isinstance(settings["header"], bool):
        return settings["header"]
    if any(isinstance(settings[key], str) and settings[key] not in (AUTO, NONE) for key in ("time", "value")):
        return True
    first, others = rows[0].cells, rows[1:]
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
) -> tuple[int | None, int]:
    """Return the indices of the columns of the time and of the value."""
    columns, row = len(rows[0].cells), rows[0]
    chosen = {key: _column(settings[key], key, names, columns, location) for key in ("time", "value")}
    time = chosen["time"]
    if settings["time"] == AUTO:
        time = 0 if columns > 1 and chosen["value"] != 0 else None
    rest = [index for index in range(columns) if index != time]
    value = chosen["value"]
    if value is None and len(rest) == 1:
        value = rest[0]
    if value is None:
        listed = _list([names[index] if names else str(index + 1) for index in rest])
        advice = spell_format(value=names[rest[-1]][:SHOWN] if names else rest[-1] + 1)
        joined = ",".join(row.cells[1:])
        if delimiter == "comma" and re.fullmatch(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", joined):
            raise UnrollError(
                f"{location}: line {row.line}: {joined[:SHOWN]} is {len(rest)} columns, or one number with a separator "
                f"of thousands; quote the number, or name the column of the value: {advice}"
            )
        raise UnrollError(
            f"{location}: line {row.line}: has {len(rest)} columns beside the time ({listed}), and a series has one "
            f"value; name its column, for example {advice}"
        )
    if value == time:
        raise UnrollError(f"{location}: the time and the value are the same column; change time or value of format")
    return time, value


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
