"""apply: a named experiment over params.yaml."""

from pathlib import Path
from typing import Annotated

import typer

from unroll.cli.app import app


@app.command()
def apply(
    experiment: Annotated[Path, typer.Argument(help="A file of experiments/.", show_default=False)],
) -> None:
    """Lay an experiment over params.yaml: unroll apply experiments/ptb/lstm-20.yaml (undone by git)."""
    from unroll.params.overlay import apply

    apply(experiment, Path("params.yaml"))
    name = "-".join(filter(None, (experiment.parent.name, experiment.stem)))
    print(f"params.yaml is that of {experiment}; next: dvc exp run --name {name}")
