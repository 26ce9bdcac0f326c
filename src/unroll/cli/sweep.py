"""The verb sweep: search values of params.yaml for the best result."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import JsonOption, app

if TYPE_CHECKING:
    from unroll.pipeline.sweep.space import Space
    from unroll.pipeline.sweep.summary import Summary
    from unroll.pipeline.sweep.trials import Trial, Trials

SHOWN = 10
"""The number of trials in the table."""


@app.command()  # without the options of `verb`, whose variables the stages would inherit
def sweep(
    space: Annotated[Path, typer.Argument(metavar="SPACE", help="A YAML file (docs/sweeps.md).", show_default=False)],
    trials: Annotated[int, typer.Option(min=1, help="How many points, those of earlier calls included.")],
    name: Annotated[
        str, typer.Option(help="The name of the sweep; by default that of the file.", show_default=False)
    ] = "",
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="How many points run at once.")] = 1,
    scheduler: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Run the points on the workers of this scheduler of dask.", show_default=False
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Search values of params.yaml for the best result.

    SPACE says which values are varied, what is measured, and how points are chosen. Each point is an experiment of DVC,
    NAME-1, NAME-2 and so on, and a run of MLflow. The same command goes on with a sweep that was interrupted.
    """
    from unroll.cli.io import print_json
    from unroll.pipeline.sweep import head
    from unroll.pipeline.sweep.space import load
    from unroll.pipeline.sweep.summary import summarize

    described = load(space)
    with _progress(trials) as report:
        found = head.sweep(described, name or space.stem, trials, jobs, scheduler, report)
    summary = summarize(described, found)
    if as_json:
        for row in summary.rows():
            print_json(row)
    else:
        _print(described, summary)


@contextmanager
def _progress(total: int) -> Iterator[Callable[["Trial", "Trials"], None]]:
    """Show a bar on a terminal, and a line when a trial begins or ends elsewhere."""
    if not sys.stderr.isatty():
        yield lambda trial, _: print(_describe(trial), file=sys.stderr, flush=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=total)

        def report(trial: "Trial", trials: "Trials") -> None:
            running = trials.count("running")
            counts = f"{running} running, {trials.count('pruned')} pruned, {trials.count('failed')} failed"
            progress.update(bar, completed=len(trials) - running, description=counts)
            if trial.state != "running":
                progress.console.print(_describe(trial), markup=False, highlight=False)

        yield report


def _describe(trial: "Trial") -> str:
    """Return a line on a trial."""
    if trial.state == "running":
        return f"{trial.experiment}: {', '.join(f'{key} {_short(value)}' for key, value in trial.params.items())}"
    ended = {"finished": _short(trial.value), "failed": f"failed: {trial.reason}"}.get(trial.state, trial.state)
    return f"{trial.experiment}: {ended} ({trial.seconds:.0f} s)"


def _print(space: "Space", summary: "Summary") -> None:
    """Print the best trials as a table, the numbers of all, and the command that applies the best one."""
    from unroll.cli.io import escape_control
    from unroll.report.markdown import to_markdown_table

    rows = [
        [row["experiment"], row["state"], _short(row["value"]), *(_short(value) for value in row["params"].values())]
        for row in summary.rows()[:SHOWN]
    ]
    head = ["experiment", "state", space.metric.key, *space.space]
    cells = [[escape_control(cell).replace("|", r"\|") for cell in row] for row in rows]
    print(to_markdown_table(head, cells, padded=True), end="")
    if len(summary.trials) > SHOWN:
        print(f"and {len(summary.trials) - SHOWN} more; --json has all")
    print(", ".join(f"{number} {state}" for state, number in summary.counts().items()))
    if best := summary.best:
        print(f"next: dvc exp apply {best.experiment}")


def _short(value: object) -> str:
    """Return a value for a table: numbers with four digits."""
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
