"""Train a model on fractions of a sampled corpus: python -m stages.learning_curve MODEL."""

from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage


def main(params: Root, name: str) -> None:
    """Train the model `name` on each fraction, and publish its excess over the oracle."""
    from unroll import models
    from unroll.evaluation.analysis import learning_curve
    from unroll.fingerprint import fingerprint
    from unroll.models.base.training import train_on_fractions
    from unroll.text import streams
    from unroll.tracking.record import record
    from unroll.tracking.results import learning_curve as result_of

    entry = params.learning_curves[name]
    with record(result := result_of(params, name)), stage.atomic_outputs(*result.outputs) as (output,):
        fitted = train_on_fractions(params, name, entry.fractions)
        data = streams.load(result.data)
        curve = learning_curve.Curve(data, models.load(Path("models") / entry.oracle), params.evaluate.statistics)
        for tokens, model in [*fitted, (data.train.predicted, models.load(Path("models") / name))]:
            curve.add(tokens, model)
        learning_curve.write(curve.points, output, fingerprint(result.settings, result.data))


def follow(params: Root, name: str) -> bool:
    """Train the model `name` and return true, if this process is a rank above 0, which writes nothing."""
    from unroll.models.base.training import is_follower, train_on_fractions

    return is_follower(params, name) and bool(train_on_fractions(params, name, params.learning_curves[name].fractions))


if __name__ == "__main__":
    stage.run(main, "learning_curves", follow)
