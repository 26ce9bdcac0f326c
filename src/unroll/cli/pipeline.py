"""The verbs of the pipeline's folder: apply, sync, ui, doctor, verify, reproduce and environment."""

from pathlib import Path
from typing import Annotated

import typer

from unroll.cli.app import app, verb
from unroll.printing import escape_control, escape_lines, print_line


@verb("unroll apply experiments/ptb/lstm-20.yaml")
def apply(
    experiment: Annotated[Path, typer.Argument(help="A file of experiments/.", show_default=False)],
) -> None:
    """Apply a named experiment to params.yaml.

    git can restore the file.
    """
    from unroll.params.overlay import apply

    apply(experiment, Path("params.yaml"))
    name = "-".join(filter(None, (experiment.parent.name, experiment.stem)))
    print_line(f"applied {experiment} to params.yaml; next: dvc exp run --name {name}")


@app.command()
def sync(
    to: Annotated[
        str,
        typer.Option(metavar="URI", help="Copy the runs of this repository to this MLflow server.", show_default=False),
    ] = "",
) -> None:
    """Log to MLflow now what waits in mlruns/outbox, and the results that DVC restored, skipped or pulled.

    Results that are logged already are not changed. With --to, all runs of this repository are copied to the server of
    a team, but those that it has.
    """
    from unroll.params.load import load
    from unroll.tracking.results import results
    from unroll.tracking.sync import sync
    from unroll.tracking.team.copy import copy_local

    lines = 0
    for line in copy_local(to) if to else sync(results(load())):
        print(escape_control(line), flush=True)
        lines += 1
    if not lines:
        print("all results are logged")


@app.command()
def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the page.")] = 5000) -> None:
    """Compare the runs in the browser, on a page of MLflow.

    Only this machine can reach the page.
    """
    from unroll.tracking.server import serve

    serve(port)


@app.command()
def doctor() -> None:
    """Clean up after killed runs, prepare the tracking store and check params.yaml.

    Each action is printed.
    """
    from unroll.params.load import load
    from unroll.pipeline.doctor import repair

    for line in repair(Path.cwd()):
        print_line(line)
    load()  # DVC would report a missing section of params.yaml with an error on dvc.yaml


@verb("unroll verify", "unroll verify --against main", "unroll verify --against ../other/dvc.lock")
def verify(
    against: Annotated[
        str,
        typer.Option(metavar="COMMIT|LOCK", help="A commit, branch or tag, or another dvc.lock.", show_default=False),
    ] = "",
) -> None:
    """Compare the hash of every output with dvc.lock, and with the results of another run.

    Results of other settings are not compared. With `arithmetic: portable` all bytes must be equal. With `native`, or
    on a GPU, the numbers of another kind of processor may differ within tolerances (docs/reproducibility.md), and are
    shown. The exit code is 0 if the results are equal or within tolerance.
    """
    from unroll.environment import describe, summarize
    from unroll.pipeline import results, verify
    from unroll.pipeline.against import compare

    here = results.here()
    there = results.open_results(against) if against else None
    stages = verify.list_stages(Path())
    for line in verify.verify(Path(), here.lock, stages):
        print_line(line)
    if there is not None:
        print(f"this machine: {summarize(describe())}")
        removed = [name for name in here.lock.stages if name not in stages]
        for lines in compare(here.without(removed), there.without(removed)):
            print(escape_lines(lines))


@app.command()  # without the options of `verb`, whose variables the stages would inherit
def reproduce(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="The id of a run of MLflow, MODEL, or MODEL@EXPERIMENT.", show_default=False
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Option("--in", help="The folder to make; by default .dvc/tmp/reproduce/RUN.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run every stage, whatever the cache of DVC has.")] = False,
) -> None:
    """Make a run again in a folder of its own, and compare every output with the hashes of the run.

    MODEL is the newest finished run of a model, and MODEL@EXPERIMENT that in an experiment of DVC. The exit code is 0
    only if all bytes are equal. Where they differ, the largest difference of each metric is shown, and what differs
    between the environments.
    """
    from tempfile import TemporaryDirectory

    from unroll.pipeline.reproduce import reproduce
    from unroll.pipeline.reproduction.work_tree import DEFAULT
    from unroll.tracking.find import fetch

    with TemporaryDirectory() as temporary:
        recorded = Path(temporary) / "run"
        fetch(run, recorded)
        for line in reproduce(recorded, folder or DEFAULT / run, force):
            print(escape_control(line), flush=True)


@verb("unroll environment", "unroll environment --arithmetic native")
def environment() -> None:
    """Print the processor, the system and the versions of the libraries of this machine as JSON.

    `reports/environment.json` has the same for the results.
    """
    import json

    import numpy  # noqa: F401 - it describes the libraries that are imported
    import torch  # noqa: F401

    from unroll.environment import describe

    print(json.dumps(describe(), indent=1))
