"""Train a model on fractions of a sampled corpus: python -m stages.learning_curve MODEL."""

from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage


def main(params: Root, name: str) -> None:
    """Train the model `name` on each fraction, and publish its excess over the oracle."""
    from unroll import models
    from unroll.evaluation.analysis import learning_curve
    from unroll.fingerprint import fingerprint
    from unroll.models.base.inputs import Inputs
    from unroll.text import streams

    entry, settings = params.learning_curves[name], params.models[name]
    partition = Path("data/partitions") / entry.tokenizer
    values = entry.model_dump() | {"model": settings.model_dump()}
    with stage.atomic_outputs(Path("metrics/learning_curves") / f"{name}.json") as (output,):
        data = streams.load(partition)
        curve = learning_curve.Curve(data, models.load(Path("models") / entry.oracle), params.evaluate.statistics)
        inputs = Inputs(device=params.device)
        for fraction in entry.fractions:
            part = learning_curve.take_fraction(data, fraction)
            fitted = models.family(entry.family).fit(settings, part, inputs, lambda *_, **__: None)
            curve.add(part.train.predicted, fitted)
        curve.add(data.train.predicted, models.load(Path("models") / name))
        learning_curve.write(curve.points, output, fingerprint(values, partition))


if __name__ == "__main__":
    stage.run(main, "learning_curves")
