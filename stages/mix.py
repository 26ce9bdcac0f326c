"""Fit the weights of a mixture of two trained models: python -m stages.mix MIXTURE."""

from functools import partial
from pathlib import Path

from stages.train import train
from unroll import stage
from unroll.params import Root


def main(params: Root, name: str) -> None:
    from unroll import models
    from unroll.models import mixture

    section = params.mixtures[name]
    members = [models.load(Path("models") / member) for member in (section.first, section.second)]
    train(params, name, section, partial(mixture.fit, members=members), live=False)


if __name__ == "__main__":
    stage.run(main, "mixtures")
