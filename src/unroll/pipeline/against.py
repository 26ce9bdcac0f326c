"""Compare the results of two runs: the bytes of their outputs first, and then, where they may differ, their numbers."""

from collections.abc import Iterator, Sequence

from unroll.environment import summarize
from unroll.errors import UnrollError
from unroll.pipeline.numbers import Mismatch, Row, compare_output
from unroll.pipeline.results import Results
from unroll.pipeline.settings import compare_settings, enumerate_names
from unroll.report.markdown import to_markdown_table

HEADS = ("model", "measure", "here", "there", "difference", "seed deviations", "tolerance", "")
"""The columns of the table of differences."""


def compare(one: Results, other: Results) -> Iterator[str]:
    """Compare the results of two runs.

    Args:
        one: The results of the present folder.
        other: Those to compare them with.

    Yields:
        The lines to print. If the last one is reached, the runs have equal bytes, or differ within the tolerances of
        another kind of processor.

    Raises:
        UnrollError: They differ by more, or were made from other settings.
    """
    yield f"{one.name}: made on {_makers(one)}"
    yield f"{other.name}: made on {_makers(other)}"
    settings = compare_settings(one.lock, other.lock)
    sentence = settings.describe(one.name, other.name)
    first, second = one.lock.without(settings.affected), other.lock.without(settings.affected)
    if sentence and not first.stages:
        raise UnrollError(sentence)
    if sentence:
        yield sentence
    ours, theirs = first.outs, second.outs
    paths = list(dict.fromkeys([*ours, *theirs]))
    differing = [path for path in paths if ours.get(path) != theirs.get(path)]
    yield from _bytes(len(paths), differing, other.name)
    if differing:
        if code := _changed_code(one, other, differing):
            yield f"the code of these outputs differs, too: {enumerate_names(code)}"
        yield from _numbers(one, other, differing)
    if sentence:
        raise UnrollError(f"{len(one.lock.outs) - len(ours)} outputs were not compared, since settings differ")


def _bytes(compared: int, differing: Sequence[str], name: str) -> Iterator[str]:
    if not differing:
        yield f"all {compared} outputs have the same bytes as those of {name}"
        return
    yield f"{compared - len(differing)} outputs have the same bytes as those of {name}, and {len(differing)} differ:"
    yield from (f"  {path}" for path in differing)


def _numbers(one: Results, other: Results, differing: Sequence[str]) -> Iterator[str]:
    """Compare the numbers of the outputs that differ, if these were made with native arithmetic or on a GPU."""
    if portable := [path for path in differing if any(run.lock.must_be_equal(path) for run in (one, other))]:
        raise UnrollError(
            f"{len(portable)} outputs differ from {other.name} ({enumerate_names(portable)}); with "
            "`arithmetic: portable` on a CPU all bytes must be equal"
        )
    rows: list[Row] = []
    faults: list[str] = []
    for path in differing:
        try:
            rows += compare_output(one, other, path)
        except Mismatch as mismatch:
            faults.append(str(mismatch))
    shown = [row for row in rows if (row.headline and row.difference) or not row.is_within]
    yield to_markdown_table(HEADS, [_format(row) for row in shown]).rstrip() if shown else "no number differs"
    yield from faults
    outside = [row for row in rows if not row.is_within]
    if faults or outside:
        names = [f"{row.model} ({row.measure})" for row in outside]
        raise UnrollError(
            f"{len(faults) + len(outside)} results are out of tolerance: {enumerate_names([*names, *faults])}"
        )
    yield f"within tolerance ({_explain(one, other, differing)})"


def _explain(one: Results, other: Results, differing: Sequence[str]) -> str:
    """Say how the environments of two runs differ.

    Raises:
        UnrollError: The environments of all metrics that differ are known and equal, so that the bytes must be equal.
            Where only some are equal, these may depend on models that other environments made.
    """
    pairs = [(one.environment(path), other.environment(path)) for path in differing if path.startswith("metrics/")]
    known = [(first, second) for first, second in pairs if first is not None and second is not None]
    unequal = [(first, second) for first, second in known if first != second]
    if (not unequal and len(known) < len(pairs)) or not known:
        return f"the processor of {_unrecorded(one, other)} is not recorded"
    if not unequal:
        raise UnrollError(
            f"{len(differing)} outputs differ from {other.name}, although the same kind of processor and the same "
            f"libraries made both: {summarize(known[0][0])}"
        )
    first, second = unequal[0]
    if summarize(first) != summarize(second):
        return f"another kind of processor: {summarize(first)} against {summarize(second)}"
    names = [name for name in {**first, **second} if first.get(name) != second.get(name)]
    changes = ", ".join(f"{name} {first.get(name, 'none')} against {second.get(name, 'none')}" for name in names)
    return f"another environment: {changes}"


def _unrecorded(one: Results, other: Results) -> str:
    return " and ".join(results.name for results in (one, other) if not results.record.results) or "these results"


def _makers(results: Results) -> str:
    """Return the environments that made the metrics of a run."""
    found = [results.environment(path) for path in results.lock.outs if path in results.record.results]
    return "; ".join(dict.fromkeys(summarize(one) for one in found if one)) or "a processor that is not recorded"


def _changed_code(one: Results, other: Results, differing: Sequence[str]) -> list[str]:
    """Return the code that differs between the stages of some outputs."""
    found: dict[str, None] = {}
    for name, stage in one.lock.stages.items():
        if name in other.lock.stages and not stage.outs.keys().isdisjoint(differing):
            deps = other.lock.stages[name].deps
            code = [path for path in stage.deps if path.startswith(("src/", "stages/"))]
            found |= dict.fromkeys(path for path in code if stage.deps[path] != deps.get(path))
    return list(found)


def _format(row: Row) -> tuple[str, ...]:
    numbers = [f"{value:.7g}" for value in (row.one, row.other)]
    deviations = f"{row.difference / row.deviation:+.2f}" if row.deviation else ""
    limit = f"{row.tolerance.limit:.3g} {row.tolerance.unit}"
    verdict = "" if row.is_within else "OUT"
    return (f"`{row.model}`", row.measure, *numbers, f"{row.difference:+.2g}", deviations, limit, verdict)
