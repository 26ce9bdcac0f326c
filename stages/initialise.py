"""Train a model whose embeddings begin from vectors: python -m stages.initialise MODEL."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stages.train import train
from unroll import stage
from unroll.params import Root


def main(params: Root, name: str) -> None:
    from unroll import models
    from unroll.neural.initial import Initial

    section = params.initialised[name]
    initial = Initial(models.load(Path("models") / section.vectors).vectors, section.frozen)

    def fit(_: Any, data: Any, report: Callable[..., None]) -> Any:
        return models.family(section.family).fit(section.of_family(), data, report, initial=initial)

    train(params, name, section, fit, live=True)


if __name__ == "__main__":
    stage.run(main, "initialised")
