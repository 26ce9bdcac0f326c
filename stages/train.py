"""Train one model: python -m stages.train MODEL."""

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from unroll import stage
from unroll.params.root import Experiment, Root


def main(params: Root, name: str) -> None:
    from unroll.models import family

    section = params.models[name]
    train(params, name, section, family(section.family).fit, live=hasattr(section, "training"))


def train(params: Root, name: str, section: Experiment, fit: Callable[..., Any], live: bool) -> None:
    """Run `fit(section, data, report)` and publish the model and its learning curve.

    `live`: with an MLflow run while it goes on. What is counted in a second gets its run from stage `report`."""
    from unroll import partition, tracking
    from unroll.use import save

    partitions = Path("data/partitions") / section.tokens
    checkpoints = Path(".dvc/tmp/checkpoints") / name  # no output: kept across kills, to go on from
    data = replace(partition.load(partitions), checkpoints=checkpoints)
    with (
        tracking.run("train", name, section.model_dump(), partitions) if live else nullcontext() as run,
        stage.publish(Path("models") / name, Path("metrics/train") / f"{name}.csv") as (folder, metrics),
    ):
        curve = tracking.Curve(run)
        model = fit(section, data, curve)
        save(model, folder, params, section.tokens)
        curve.write(metrics)
        if run:
            run.log_model(folder)
    shutil.rmtree(checkpoints, ignore_errors=True)  # only now: until here a kill loses nothing


if __name__ == "__main__":
    stage.run(main, "models")
