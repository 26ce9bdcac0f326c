"""The verbs plan, repro and sweep: what would run, run it, and search for better values."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.cli.app import JsonOption, app
from unroll.errors import UnrollError

if TYPE_CHECKING:
    from unroll.pipeline.sweep.space import Space
    from unroll.pipeline.sweep.summary import Summary
    from unroll.pipeline.sweep.trials import Trial, Trials

SHOWN = 10
"""The number of trials in the table."""

TargetsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Stages, groups or outputs, as for `dvc repro`; by default all.", show_default=False),
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Stages at once; by default one per core.", show_default=False)
]


@app.command()
def plan(
    targets: TargetsArgument = None,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page with the graph of the stages.", show_default=False),
    ] = None,
) -> None:
    """Show which stages would run, why, and how long it would take, from the durations of earlier runs.

    A stage runs, is restored from the run cache of DVC, is unchanged, or depends: it runs only if the stages before it
    write other bytes.
    """
    from unroll.cli.io import print_json
    from unroll.pipeline.runner import plan
    from unroll.pipeline.runner.display import say_time
    from unroll.pipeline.runner.repository import Repository
    from unroll.pipeline.runner.resources import cores
    from unroll.pipeline.settings import enumerate_names
    from unroll.printing import print_line

    found, together = plan.make(Repository(Path.cwd()), targets or [], Path.cwd()), jobs or cores()
    if picture is not None:
        from unroll.pipeline.runner.plan_page import write

        write(found, together, picture)
    if as_json:
        print_json(found.to_json(together))
        return
    steps = [step for step in found.steps.values() if step.state is not plan.State.UNCHANGED]
    width = max((len(step.node.name) for step in steps), default=0)
    for step in steps:
        time = "" if step.state is plan.State.RESTORED else say_time(step.seconds)
        reasons = enumerate_names(step.reasons)
        print_line(f"{step.node.name:<{width}}  {step.state.value:<8}  {time:>8}  {reasons}".rstrip())
    for line in found.summarize(together):
        print(line)


@app.command()
def repro(
    targets: TargetsArgument = None,
    jobs: JobsOption = None,
    memory: Annotated[
        str, typer.Option(metavar="SIZE", help="The memory of all stages, such as 8G; by default what is free.")
    ] = "",
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Run the stages on the workers of this dask scheduler, for example tcp://host:8786.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Run all stages, whatever has changed.")] = False,
) -> None:
    """Run the stages that are not up to date, independent ones at once.

    The results and dvc.lock are those of `dvc repro`. If a stage fails, those that depend on it are skipped, the others
    run, and the exit code is not 0. The numbers of stages and threads change no result.
    """
    from unroll.params.load import load
    from unroll.pipeline import durations
    from unroll.pipeline.runner.executors import cluster, this_machine
    from unroll.pipeline.runner.repository import Repository
    from unroll.pipeline.runner.resources import Resources, cores, parse_memory, visible_gpus
    from unroll.pipeline.runner.run import repro

    root = Path.cwd()
    if not (root / ".dvc").is_dir():
        raise UnrollError(f"{root}: is not the root of a DVC repository; run this in the folder of dvc.yaml")
    params, known = load(), durations.read(root)
    on_gpu, portable = params.device == "cuda", params.arithmetic == "portable"
    if scheduler is not None:
        if jobs is not None or memory:
            raise UnrollError("--jobs and --memory are for one machine; the workers of --scheduler have their own")
        with cluster(scheduler, root, on_gpu, portable, known) as workers:
            repository = Repository(root)
            repro(repository, repository.collect(targets or []), workers, workers, force)
        return
    together = jobs or cores()
    resources = Resources(together, parse_memory(memory), visible_gpus() if on_gpu else (), portable, known)
    repository = Repository(root)
    with this_machine(together) as executor:
        repro(repository, repository.collect(targets or []), executor, resources, force)


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
    from unroll.printing import escape_control
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
