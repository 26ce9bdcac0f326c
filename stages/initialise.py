"""Train a model whose embeddings begin from vectors: python -m stages.initialise MODEL."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from stages.train import train
from unroll import stage
from unroll.params import Root


def main(params: Root, name: str) -> None:
    from unroll import models
    from unroll.models import storage
    from unroll.neural.initial import Initial

    section = params.initialised[name]
    folder = Path("models") / section.vectors
    initial = Initial(models.load(folder).vectors, section.frozen)
    digest = sha256((folder / storage.MANIFEST).read_bytes()).hexdigest()[:16]

    def fit(_: Any, data: Any, report: Callable[..., None]) -> Any:
        of_these = replace(data, checkpoints=data.checkpoints / digest)  # one of other vectors must not go on here
        return models.family(section.family).fit(section.of_family(), of_these, report, initial=initial)

    train(params, name, section, fit)


if __name__ == "__main__":
    stage.run(main, "initialised")
