"""By how much the numbers of two files of metrics differ, and what differs between two environments."""

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unroll.tracking.results import flatten

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
"""The name of a package in requirements.lock."""
NOT_FINITE = ("inf", "-inf", "nan")
"""Numbers that are words in JSON."""


def of_numbers(there: bytes, here: bytes, suffix: str) -> Iterator[str]:
    """Compare the numbers of two files.

    Args:
        there: The content of the recorded file.
        here: The content of the new file.
        suffix: Their format, `.json` or `.csv`.

    Yields:
        A line for each metric that differs, with its largest difference.
    """
    one, other = (_values(content, suffix) for content in (there, here))
    for name in dict.fromkeys([*one, *other]):
        first, second = one.get(name, []), other.get(name, [])
        if len(first) != len(second):
            yield f"{name}: {len(second)} values instead of {len(first)}"
            continue
        unequal = [pair for pair in zip(first, second, strict=True) if not _is_equal(*pair)]
        numbers = [pair for pair in unequal if _is_number(pair[0]) and _is_number(pair[1])]
        if numbers:
            old, new = max(numbers, key=lambda pair: abs(pair[1] - pair[0]))
            relative = f", {abs(new - old) / abs(old):.2g} of it" if old and math.isfinite(new - old) else ""
            of = f" (the largest of {len(numbers)} differences)" if len(numbers) > 1 else ""
            yield f"{name}: {new:.9g} instead of {old:.9g}, a difference of {new - old:+.2g}{relative}{of}"
        elif unequal:
            yield f"{name}: {_short(unequal[0][1])} instead of {_short(unequal[0][0])}"


def of_environments(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    """Compare the environment of a run with that of its reproduction.

    Args:
        there: The environment of the run.
        here: The environment of the reproduction. What it does not name is not compared.

    Yields:
        A line for each fact that differs.
    """
    old, new = flatten(there), flatten(here)
    for name in old:
        if name in new and old[name] != new[name]:
            yield f"{name}: {_words(new[name])} instead of {_words(old[name])}"


def of_packages(there: Sequence[str], here: Sequence[str], requirements: str) -> Iterator[str]:
    """Compare the installed packages, of which those that requirements.lock does not name are left out.

    Args:
        there: The packages of the run, as `name==version`.
        here: The packages of the reproduction.
        requirements: The content of requirements.lock.

    Yields:
        A line for each package with another version.
    """
    old, new = (dict(_package(line) for line in lines) for lines in (there, here))
    names = {_normal(name) for name in PINNED.findall(requirements)} | {"torch"}  # whose build is chosen by hand
    for name in sorted(names & (old.keys() | new.keys())):
        if old.get(name) != new.get(name):
            yield f"{name}: {new.get(name, 'none')} instead of {old.get(name, 'none')}"


def _package(line: str) -> tuple[str, str]:
    name, _, version = line.partition("==")
    return _normal(name), version


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _values(content: bytes, suffix: str) -> dict[str, list[Any]]:
    """Return the values of each metric, in their order."""
    found: dict[str, list[Any]] = {}
    if suffix == ".csv":
        for row in csv.DictReader(io.StringIO(content.decode("utf-8"))):
            for name, text in row.items():
                found.setdefault(name, []).append(_parse(text))
    else:
        for name, value in _leaves(json.loads(content), ""):
            found.setdefault(name, []).append(float(value) if value in NOT_FINITE else value)
    return found


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of each entry of a JSON file. The entries of a list have the name of the list."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaves(entry, f"{name} {key}".strip())
    elif isinstance(value, list):
        for entry in value:
            yield from _leaves(entry, name)
    else:
        yield name, value


def _parse(text: str) -> float | str:
    """Return the number of a cell; an empty cell, which has none, stays a text."""
    try:
        return float(text)
    except ValueError:
        return text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_equal(one: Any, other: Any) -> bool:
    return one == other or (_is_number(one) and _is_number(other) and math.isnan(one) and math.isnan(other))


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _words(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
