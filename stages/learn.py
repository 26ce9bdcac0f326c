"""Fit a model to growing parts of a sampled corpus: python -m stages.learn MODEL."""

from pathlib import Path
from tempfile import TemporaryDirectory

from unroll import stage
from unroll.params import Root


def main(params: Root, name: str) -> None:
    from unroll import models, partition, tracking
    from unroll.evaluation import learning

    section, model = params.learning[name], params.models[name]
    partitions, trained = Path("data/partitions") / model.tokens, Path("models") / name
    values = section.model_dump() | {"model": model.model_dump()}
    with stage.publish(Path("metrics/learning") / f"{name}.json") as (output,):
        data = partition.load(partitions)
        curve = learning.Curve(data, models.load(Path("models") / section.truth), params.evaluate.statistics)
        for parts in section.parts:
            small = learning.part(data, parts)
            fitted = models.family(model.family).fit(model, small, lambda *_, **__: None)
            with TemporaryDirectory() as folder:
                fitted.save(Path(folder))
                curve.add(small.train.predicted, fitted, models.size(Path(folder)))
        curve.add(data.train.predicted, models.load(trained), models.size(trained))
        learning.write(curve.points, output, tracking.fingerprint(values, partitions))


if __name__ == "__main__":
    stage.run(main, "learning")
