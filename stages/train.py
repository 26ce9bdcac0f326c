"""Train one model: python -m stages.train MODEL."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from unroll import stage
from unroll.params import Root
from unroll.params.root import Experiment


def main(params: Root, name: str) -> None:
    from unroll.models import family

    section = params.models[name]
    train(params, name, section, family(section.family).fit)


def train(params: Root, name: str, section: Experiment, fit: Callable[..., Any]) -> None:
    """Run `fit(section, data, report)`, tracked, and publish the model and its learning curve."""
    from unroll import partition, tracking
    from unroll.use import describe

    partitions = Path("data/partitions") / section.tokens
    with (
        tracking.run("train", name, section.model_dump(), partitions) as run,
        stage.publish(Path("models") / name, Path("metrics/train") / f"{name}.csv") as (folder, metrics),
    ):
        curve = tracking.Curve(run)
        model = fit(section, partition.load(partitions), curve)
        folder.mkdir()
        model.save(folder)
        describe(folder, params, section.tokens)
        curve.write(metrics)
        run.log_file(metrics)
        run.log_model(folder)


if __name__ == "__main__":
    stage.run(main, "models")
