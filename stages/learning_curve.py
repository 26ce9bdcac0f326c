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
    from unroll.tracking.record import record
    from unroll.tracking.results import learning_curve as result_of

    entry, settings = params.learning_curves[name], params.models[name]
    with record(result := result_of(params, name)), stage.atomic_outputs(*result.outputs) as (output,):
        data = streams.load(result.data)
        curve = learning_curve.Curve(data, models.load(Path("models") / entry.oracle), params.evaluate.statistics)
        inputs = Inputs(device=params.device)
        for fraction in entry.fractions:
            part = learning_curve.take_fraction(data, fraction)
            fitted = models.family(entry.family).fit(settings, part, inputs, lambda *_, **__: None)
            curve.add(part.train.predicted, fitted)
        curve.add(data.train.predicted, models.load(Path("models") / name))
        learning_curve.write(curve.points, output, fingerprint(result.settings, result.data))


if __name__ == "__main__":
    stage.run(main, "learning_curves")
