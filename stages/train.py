"""Train one model: python -m stages.train MODEL."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from unroll import stage
from unroll.params import Root
from unroll.params.root import Experiment

CHECKPOINTS = Path(".dvc/tmp/checkpoints")
"""Kept across kills, and no output: what a killed training needs to go on."""


def main(params: Root, name: str) -> None:
    from unroll.models import family

    section = params.models[name]
    train(params, name, section, family(section.family).fit)


def train(params: Root, name: str, section: Experiment, fit: Callable[..., Any]) -> None:
    """Run `fit(section, data, report)`, tracked, and publish the model and its learning curve."""
    from unroll import partition, tracking
    from unroll.use import describe

    partitions = Path("data/partitions") / section.tokens
    data = replace(partition.load(partitions), checkpoints=CHECKPOINTS / name)
    with (
        tracking.run("train", name, section.model_dump(), partitions) as run,
        stage.publish(Path("models") / name, Path("metrics/train") / f"{name}.csv") as (folder, metrics),
    ):
        curve = tracking.Curve(run)
        model = fit(section, data, curve)
        folder.mkdir()
        model.save(folder)
        describe(folder, params, section.tokens)
        curve.write(metrics)
        run.log_file(metrics)
        run.log_model(folder)
    shutil.rmtree(CHECKPOINTS / name, ignore_errors=True)  # only now: until here a kill loses nothing


if __name__ == "__main__":
    stage.run(main, "models")
