"""Train a model again with another seed: python -m stages.repeat REPEAT."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stages.train import train
from unroll import stage
from unroll.params import Root


def main(params: Root, name: str) -> None:
    from unroll.models import family

    section = params.repeats[name]
    model = params.models[section.model]

    def fit(_: Any, data: Any, report: Callable[..., None]) -> Any:
        return family(model.family).fit(model, replace(data, seed=section.seed), report)

    train(params, name, section, fit, live=hasattr(model, "training"))


if __name__ == "__main__":
    stage.run(main, "repeats")
