"""The verbs of the pipeline's folder: apply, sync, ui, doctor, verify and compare-locks."""

from pathlib import Path
from typing import Annotated

import typer

from unroll.cli.app import app, verb
from unroll.errors import UnrollError


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
    print(f"applied {experiment} to params.yaml; next: dvc exp run --name {name}")


@app.command()
def sync() -> None:
    """Log to MLflow the results that DVC restored or skipped.

    Results that are logged already are not changed.
    """
    from unroll.params.load import load
    from unroll.tracking.sync import records, sync

    print("\n".join(sync(records(load()))) or "all results are logged")


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
        print(line)
    load()  # DVC would report a missing section of params.yaml with an error on dvc.yaml


@app.command()
def verify() -> None:
    """Compare the hash of every output with dvc.lock."""
    from unroll.pipeline.verify import damaged, outputs

    if paths := damaged(Path()):
        raise UnrollError(f"{', '.join(paths)}: missing, or not as dvc.lock records; `dvc repro` makes them again")
    print(f"{len(outputs(Path('dvc.lock')))} outputs match dvc.lock")


@app.command(hidden=True)
def compare_locks(
    first: Annotated[Path, typer.Argument(help="A dvc.lock file.", show_default=False)],
    second: Annotated[Path, typer.Argument(help="Another dvc.lock file.", show_default=False)],
) -> None:
    """Compare the hashes of the outputs of two runs of the pipeline by their dvc.lock files."""
    from unroll.pipeline.verify import differences

    equal, differing = differences(first, second)
    if differing:
        raise UnrollError(f"{equal} outputs are equal, {len(differing)} differ: {', '.join(differing)}")
    print(f"all {equal} outputs have equal hashes")
