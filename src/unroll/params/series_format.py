"""The dialect of a CSV file of a series: `format` of a corpus, if what stage clean finds is not what is meant."""

import json
import re
from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Params

Column = Annotated[int, Field(ge=1, le=100_000)] | Annotated[str, Field(min_length=1, max_length=1000)]
"""The name of a column in the header, or its number from 1."""


class SeriesFormat(Params):
    """How a CSV file is read. `auto` finds a setting in the file, and refuses what has two readings."""

    kind: Literal["series"]
    delimiter: Literal["auto", "comma", "semicolon", "tab", "bar", "space", "none"]
    """What separates columns. `bar` is |, and `none` reads a single column."""
    decimal: Literal["auto", "point", "comma"]
    """What separates the fraction of a number."""
    thousands: Literal["auto", "none", "comma", "point", "apostrophe", "space", "underscore"]
    """What separates groups of digits in large numbers."""
    header: Literal["auto"] | bool
    """Whether the first row names the columns."""
    time: Column
    """The column of the time, `auto` for the first one, or `none` if the rows have no time."""
    value: Column
    """The column of the value, or `auto` for the one beside the time. Other columns are counted as ignored."""
    dates: Literal["auto", "day-first", "month-first"]
    """What 1/2/2020 means: 1 February (`day-first`) or 2 January (`month-first`)."""
    order: Literal["auto", "sort", "keep"]
    """`auto` accepts times that only ascend, or only descend and are then reversed. `sort` sorts any times, and `keep`
    keeps the order of the rows."""


PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""What YAML reads as a string without quotes, except for words such as true, which are no names of columns."""
AUTO = {"kind": "series"} | dict.fromkeys(list(SeriesFormat.__annotations__)[1:], "auto")
"""The settings that find everything in the file: what `format: series` means."""


def spell_format(**values: object) -> str:
    """Return the YAML of a format that sets these values and finds everything else.

    Args:
        values: Values of fields of `SeriesFormat`.

    Returns:
        Text such as "format: {kind: series, delimiter: auto, ...}", for a message.
    """
    return "format: {" + ", ".join(f"{key}: {_scalar(value)}" for key, value in (AUTO | values).items()) + "}"


def _scalar(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if isinstance(value, int) or PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
