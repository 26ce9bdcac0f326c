"""Numbers as people and programs of many countries write them: 1234.5, 1.234,5, 1'234.5, 1_234 or full-width digits."""

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile

POINTS = {"point": ".", "comma": ",", "arabic": "\u066b"}
"""What separates the fraction, by name."""
GROUPS = {
    "none": "",
    "comma": ",",
    "point": ".",
    "apostrophe": "'",
    "space": " ",
    "underscore": "_",
    "arabic": "\u066c",
}
"""What separates groups of digits, by name."""
SPELLINGS = str.maketrans(
    {"\u2212": "-", "\uff0d": "-", "\uff0b": "+", "\uff0e": ".", "\uff0c": ",", "\uff3f": "_", "\u2019": "'"}
    | dict.fromkeys("\u00a0\u2007\u2009\u202f\u3000", " ")
)
"""Signs, separators and spaces that are other characters than those of ASCII but mean the same."""
MISSING = frozenset({"", "na", "#na", "<na>", "n/a", "#n/a", "nan", "null", "none", "."})
"""What programs write in place of a number that is not known, in lower case."""


def to_ascii_digits(text: str) -> str:
    """Return a text with the decimal digits, signs and separators of all scripts as those of ASCII."""
    if text.isascii():
        return text.strip()
    digits = (unicodedata.decimal(character, None) for character in text)
    spelled = (c if digit is None else str(digit) for c, digit in zip(text, digits, strict=True))
    return "".join(spelled).translate(SPELLINGS).strip()


def is_missing(text: str) -> bool:
    """Return whether a cell says that there is no number."""
    return text.lower() in MISSING


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How numbers are written."""

    decimal: str
    """A key of `POINTS`."""
    thousands: str
    """A key of `GROUPS`."""

    def parse(self, text: str) -> float | None:
        """Return the finite number that a text means, or None if it does not mean one in this format."""
        text = to_ascii_digits(text)
        if not _pattern(self.decimal, self.thousands).fullmatch(text):
            return None
        if group := GROUPS[self.thousands]:
            text = text.replace(group, "")
        number = float(text.replace(POINTS[self.decimal], "."))
        return number if math.isfinite(number) else None


@cache
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    """Match a number. With a separator of groups, a number of four digits or more has it: 1,234 or 12,34,567."""
    point, group = re.escape(POINTS[decimal]), re.escape(GROUPS[thousands])
    whole = r"[0-9]+"
    if group:
        whole = rf"(?:[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+|[1-9][0-9]?(?:{group}[0-9]{{2}})+{group}[0-9]{{3}}|"
        whole += r"[0-9]{1,3})"
    return re.compile(rf"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?")


FORMATS = tuple(
    NumberFormat(decimal, thousands)
    for thousands in GROUPS
    for decimal in POINTS
    if decimal != thousands and ("arabic" in (decimal, thousands)) <= (thousands in ("none", "arabic"))
)
"""All formats; the first ones are the most frequent."""


def find_formats(
    texts: Sequence[str], decimal: str, thousands: str, unlikely: Sequence[str] = ()
) -> Iterator[tuple[NumberFormat, tuple[float, ...]]]:
    """Yield the formats in which all texts are numbers, each with the numbers.

    Args:
        texts: The texts.
        decimal: A key of `POINTS`, or `auto`.
        thousands: A key of `GROUPS`, or `auto`.
        unlikely: Separators of groups that are looked for only if `thousands` names them.

    Yields:
        The first format of those that give the same numbers.
    """
    found = set()
    for format in FORMATS:
        allowed = format.thousands not in unlikely if thousands == "auto" else format.thousands == thousands
        if not allowed or decimal not in ("auto", format.decimal):
            continue
        parsed = takewhile(lambda number: number is not None, map(format.parse, texts))
        numbers = tuple(number for number in parsed if number is not None)
        if len(numbers) == len(texts) and numbers not in found:
            found.add(numbers)
            yield format, numbers
