"""Compare the numbers of two runs by the tolerances of their families."""

import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from unroll.params.root import SECTIONS
from unroll.pipeline.lock import Lock
from unroll.pipeline.results import Results
from unroll.pipeline.tolerances import (
    COUNTING,
    DOUBLE,
    HEADLINES,
    MIN_SAMPLES,
    NOT_COMPARED,
    OF_NETWORKS,
    ROUNDING,
    Tolerance,
)

EXACT = ("data/raw/", "data/clean/", "data/tokens/", "data/partitions/", "metrics/clean/", "metrics/tokens/")
"""Folders of text, tokens and counts."""
SAMPLES = ("forecasts", "analogies_covered", "test_documents", "test_tokens")
"""The metrics that say of how many samples the others are."""


@dataclass(frozen=True)
class Row:
    """One number of both runs."""

    model: str
    """The name of the model or forecaster."""
    measure: str
    """The name of the metric."""
    one: float
    """The number of the first run."""
    other: float
    """The number of the second run."""
    difference: float
    """Their difference in the unit of the tolerance."""
    tolerance: Tolerance
    """The largest difference."""
    deviation: float | None
    """The standard deviation of the number between seeds, in the same unit; None if it is not known."""
    headline: bool
    """Whether the table shows the number even if it is within the tolerance."""

    @property
    def is_within(self) -> bool:
        """Whether the difference is within the tolerance."""
        return abs(self.difference) <= self.tolerance.limit


class Mismatch(Exception):
    """The sentence on two outputs that must be equal, or cannot be compared."""


def compare_output(one: Results, other: Results, path: str) -> list[Row]:
    """Compare an output whose bytes differ.

    Args:
        one: The first run.
        other: The second run.
        path: The path of the output.

    Returns:
        The numbers; empty for an output that follows from a model, whose metrics are compared: weights, losses, curves
        of the training, samples and reports.

    Raises:
        Mismatch: The bytes must be equal, or the files do not have the same metrics.
    """
    for results in (one, other):
        if path not in results.lock.outs:
            raise Mismatch(f"{path}: is no output of {results.name}")
    if _is_exact(one.lock, path):
        raise Mismatch(f"{path}: must have equal bytes on all processors")
    folder, _, name = path.rpartition("/")
    if not name.endswith(".json") or folder not in ("metrics", "metrics/learning_curves", "metrics/series"):
        return []
    name = name.removesuffix(".json")
    first, second = one.numbers(path), other.numbers(path)
    for results, found in ((one, first), (other, second)):
        if found is None:
            raise Mismatch(f"{path} of {results.name}: there is no such file, so its numbers cannot be compared")
    if folder != "metrics/series":
        return _compare(path, name, first, second, family_of(one.lock, name), _deviations(one, name))
    if first["forecasters"].keys() != second["forecasters"].keys():
        raise Mismatch(f"{path}: the runs have other forecasters")
    return [
        row
        for key, entry in first["forecasters"].items()
        for row in _compare(path, f"{name} {key}", entry, second["forecasters"][key], entry["family"], {})
    ]


def family_of(lock: Lock, name: str) -> str:
    """Return the family that decides on the tolerance of a model.

    Args:
        lock: The lock of the run.
        name: The name of the model.

    Returns:
        Its family; for a mixture or a classifier with a model per class, the least exact family of its members.
    """
    params = lock.params
    for section in SECTIONS:
        entry = f"{section}.{name}"
        family = str(params.get(f"{entry}.family", ""))
        if family == "mixture":
            members = [family_of(lock, params[f"{entry}.{place}"]) for place in ("first", "second")]
            return max([*members, "hmm"], key=_exactness)  # its weights are fitted in double precision
        if family:
            return str(params.get(f"{entry}.member.family", family))
    return ""


def _exactness(family: str) -> int:
    return 0 if family in COUNTING else 1 if family in DOUBLE else 2


def _is_exact(lock: Lock, path: str) -> bool:
    """Return whether an output has the same bytes on all processors."""
    if path.startswith("models/"):
        return family_of(lock, path.removeprefix("models/")) in COUNTING
    return path.startswith(EXACT)


def _compare(path: str, name: str, one: Any, other: Any, family: str, deviations: Mapping[str, float]) -> list[Row]:
    """Compare the metrics of a model. An exact family has one row, that of the largest difference."""
    exact = family in COUNTING | DOUBLE
    skipped = {"losses_sha256"} if exact else set(NOT_COMPARED)
    first, second = (dict(_leaves(values, skipped, (), _samples(values))) for values in (one, other))
    if first.keys() != second.keys():
        keys = sorted({" ".join(key) for key in first.keys() ^ second.keys()})
        raise Mismatch(f"{path}: only one of the runs has {', '.join(keys)}")
    rows = []
    for key, (value, samples) in first.items():
        measure, number, counterpart = " ".join(key), _number(value), _number(second[key][0])
        if number is None or counterpart is None:
            if value != second[key][0]:
                raise Mismatch(f"{path}: {measure} must be equal, and is {value} and {second[key][0]}")
            continue
        tolerance = ROUNDING if exact else OF_NETWORKS.get(key[-1])
        if tolerance is None:
            raise Mismatch(f"{path}: {measure} has no tolerance; add one to src/unroll/pipeline/tolerances.py")
        if tolerance is ROUNDING or samples >= MIN_SAMPLES:
            difference = tolerance.difference(number, counterpart)
            deviation, headline = deviations.get(measure), exact or key[-1] in HEADLINES
            rows.append(Row(name, measure, number, counterpart, difference, tolerance, deviation, headline))
    return [max(rows, key=lambda row: abs(row.difference))] if exact and rows else rows


def _leaves(
    value: Any, skipped: set[str], key: tuple[str, ...], samples: int
) -> Iterator[tuple[tuple[str, ...], tuple[Any, int]]]:
    """Yield the path of each value of a JSON file, and (value, number of samples). A list of words is one value."""
    if isinstance(value, list) and not all(isinstance(entry, str) for entry in value):
        labelled = {_label(entry): entry for entry in value}
        if "" in labelled:
            value = {str(index): entry for index, entry in enumerate(value)}
        else:  # the labels replace the name of the list
            key, value = key[:-1], labelled
    if not isinstance(value, dict):
        yield key, (value, samples)
        return
    samples = value.get("forecasts", samples)
    for name, entry in value.items():
        if name not in skipped:
            yield from _leaves(entry, skipped, (*key, name), samples)


def _label(entry: Any) -> str:
    """Return the name of an entry of a list: its step, column or number of training tokens; empty for other entries."""
    if not isinstance(entry, dict):
        return ""
    if "step" in entry:
        return f"k={entry['step']}"
    if "column" in entry:
        return str(entry["column"])
    return f"{entry['train_tokens']} tokens" if "train_tokens" in entry else ""


def _samples(values: Mapping[str, Any]) -> int:
    """Return of how many samples the shares and scores of a model are."""
    if groups := values.get("by_source_length"):
        return sum(group["sentences"] for group in groups)
    return next((values[key] for key in SAMPLES if key in values), MIN_SAMPLES)


def _number(value: Any) -> float | None:
    """Return a float; None for whole numbers and words, which must be equal. An infinity is a word in JSON."""
    return float(value) if isinstance(value, float) or value in ("inf", "-inf", "nan") else None


def _deviations(results: Results, name: str) -> dict[str, float]:
    """Return the standard deviations between the seeds of a model, by metric, in the unit of its tolerance."""
    params = results.lock.params
    model = params.get(f"seeds.{name}.model", name)
    keys = {key: key.split(".") for key, value in params.items() if value == model}
    seeds = [parts[1] for parts in keys.values() if parts[0] == "seeds" and parts[2] == "model"]
    runs = [results.numbers(f"metrics/{run}.json") for run in (model, *seeds)]
    found = {}
    for measure in ("cross_entropy", "valid_perplexity"):
        values = [run[measure] for run in runs if run and isinstance(run.get(measure), float)]
        if len(values) > 1:
            logs = OF_NETWORKS[measure].logarithmic
            found[measure] = statistics.stdev(math.log(value) if logs else value for value in values)
    return found
