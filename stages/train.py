"""Train one model of any section: python -m stages.train MODEL."""

import shutil
from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage

CHECKPOINTS = Path(".dvc/tmp/checkpoints")  # not outputs: a killed training resumes from them


def main(params: Root, name: str) -> None:
    """Train the model `name`, and publish its folder and its learning curve."""
    from unroll.fingerprint import describe
    from unroll.models.base.curve import Curve
    from unroll.models.base.folder import save
    from unroll.models.base.training import train
    from unroll.tracking.record import record
    from unroll.tracking.results import training

    with (
        record(result := training(params, name), CHECKPOINTS / name) as recorder,
        stage.atomic_outputs(*result.outputs) as (folder, metrics),
    ):
        curve = Curve(recorder.record)
        save(train(params, name, CHECKPOINTS / name, curve), folder, describe(params, name))
        curve.write(metrics)
    shutil.rmtree(CHECKPOINTS / name, ignore_errors=True)


def follow(params: Root, name: str) -> bool:
    """Train the model `name` and return true, if this process is a rank above 0, which writes nothing."""
    from unroll.models.base.training import is_follower, train

    return is_follower(params, name) and bool(train(params, name, CHECKPOINTS / name, lambda *_, **__: None))


if __name__ == "__main__":
    stage.run(main, "experiments", follow)
