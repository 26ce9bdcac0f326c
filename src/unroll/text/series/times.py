"""Times of observations: numbers, ISO dates, and dates such as 31.12.2020, 12/31/2020, Dec 2020 and 2020-Q4."""

import calendar
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from unroll.text.series.numbers import to_ascii_digits

Key = int | Fraction
"""A time as a number: days, months or seconds since the year 0, or the number itself."""
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
PATTERNS = {
    "day-first": ("%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y"),
    "month-first": ("%m.%d.%Y", "%m/%d/%Y", "%m-%d-%Y"),
    "year-first": ("%Y/%m/%d", "%Y.%m.%d"),
    "with English month names": (
        "%d %b %Y",
        "%d-%b-%Y",
        "%b %d, %Y",
        "%d %B %Y",
        "%B %d, %Y",
        "%b %Y",
        "%B %Y",
        "%b-%Y",
    ),
}
"""The dates that `datetime.strptime` reads, by the name of their kind."""
NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?")
COMPACT = re.compile(r"[12][0-9]{7}")
MONTH = re.compile(r"([0-9]{4})[-/](0[1-9]|1[0-2])")
QUARTER = re.compile(r"([0-9]{4})[- ]?Q([1-4])")
ISO = re.compile(r"[0-9]{4}-[0-9W].*")
EPOCH = datetime(1, 1, 1, tzinfo=UTC)
MONTHS_OF_QUARTER = 3


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """How the times of a series are written."""

    kind: str
    """Its name in messages: a key of `KINDS`."""

    def parse(self, text: str) -> Key | None:
        """Return the time as a number, in the unit of its kind; None if the text is not a time of this kind."""
        return KINDS[self.kind](to_ascii_digits(text))

    def normalize(self, text: str) -> str:
        """Return the time as a number or as an ISO date. ISO dates stay as they are."""
        text = to_ascii_digits(text)
        if self.kind not in PATTERNS and self.kind != COMPACT_DATES:
            return text
        seconds = KINDS[self.kind](text)
        iso = (EPOCH + timedelta(microseconds=int(seconds or 0))).replace(tzinfo=None).isoformat()
        return iso.removesuffix("T00:00:00")


def _number(text: str) -> Key | None:
    return Fraction(text) if NUMBER.fullmatch(text) else None


def _month(text: str) -> Key | None:
    match = MONTH.fullmatch(text)
    return 12 * int(match[1]) + int(match[2]) if match else None


def _quarter(text: str) -> Key | None:
    match = QUARTER.fullmatch(text)
    return MONTHS_OF_QUARTER * (4 * int(match[1]) + int(match[2])) if match else None


def _microseconds(moment: datetime) -> int:
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - EPOCH) // timedelta(microseconds=1)


def _compact(text: str) -> Key | None:
    try:
        return _microseconds(datetime.strptime(text, "%Y%m%d")) if COMPACT.fullmatch(text) else None
    except ValueError:
        return None


def _iso(text: str, offset: bool) -> Key | None:
    try:
        moment = datetime.fromisoformat(text) if ISO.fullmatch(text) else None
        return _microseconds(moment) if moment and (moment.tzinfo is not None) == offset else None
    except (ValueError, OverflowError):
        return None


def _written(kind: str) -> Callable[[str], Key | None]:
    formats = [date + clock for date in PATTERNS[kind] for clock in CLOCKS]

    def parse(text: str) -> Key | None:
        for position, format in enumerate(formats):
            try:
                moment = datetime.strptime(text, format)
            except ValueError:
                continue
            formats.insert(0, formats.pop(position))  # the next time has the same format
            return _microseconds(moment)
        return None

    return parse


COMPACT_DATES = "dates such as 20201231"
KINDS: dict[str, Callable[[str], Key | None]] = {
    COMPACT_DATES: _compact,
    "numbers": _number,
    "months": _month,
    "quarters": _quarter,
    "ISO dates": lambda text: _iso(text, offset=False),
    "ISO dates with an offset": lambda text: _iso(text, offset=True),
    **{kind: _written(kind) for kind in PATTERNS},
}
"""The parsers of all kinds of times. A parser returns None for another text."""


def find_formats(texts: Sequence[str], dates: str) -> list[TimeFormat]:
    """Return the formats in which all texts are times.

    Args:
        texts: The texts.
        dates: `day-first` or `month-first` to exclude the other one, or `auto`.

    Returns:
        The formats. There are two or more only if days and months can be exchanged.
    """
    excluded = {"day-first": "month-first", "month-first": "day-first"}.get(dates)
    found: list[TimeFormat] = []
    for kind in KINDS:
        format = TimeFormat(kind)
        if kind != excluded and texts and all(format.parse(text) is not None for text in texts):
            found.append(format)
            if kind in (COMPACT_DATES, "numbers"):
                break
    return found


def count_steps(texts: Sequence[str]) -> dict[Key, int] | None:
    """Count the steps between neighbouring times by their size.

    Dates that all have the same day of the month, or are all the last day of theirs, are counted in months.

    Args:
        texts: The times, as `TimeFormat.normalize` returns them.

    Returns:
        The number of steps of each size, or None if the texts are neither dates nor numbers.
    """
    formats = find_formats(texts, "auto")
    if not formats:
        return None
    keys = [key for text in texts if (key := formats[0].parse(text)) is not None]
    if formats[0].kind == "ISO dates":
        keys = _in_months([EPOCH + timedelta(microseconds=int(key)) for key in keys]) or keys
    steps: dict[Key, int] = {}
    for before, after in pairwise(keys):
        steps[after - before] = steps.get(after - before, 0) + 1
    return steps


def _in_months(moments: Sequence[datetime]) -> list[Key] | None:
    same = len({(moment.day, moment.time()) for moment in moments}) == 1
    last = all(m.day == calendar.monthrange(m.year, m.month)[1] for m in moments)
    last = last and len({moment.time() for moment in moments}) == 1
    return [12 * moment.year + moment.month for moment in moments] if same or last else None
