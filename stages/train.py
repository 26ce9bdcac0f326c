"""Train one model of any section: python -m stages.train MODEL."""

import shutil
from dataclasses import replace
from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage


def main(params: Root, name: str) -> None:
    """Train the model `name`, and publish its folder and its learning curve."""
    from unroll.fingerprint import describe, resolve
    from unroll.models import family
    from unroll.models.base.curve import Curve
    from unroll.models.base.folder import save
    from unroll.models.base.inputs import Inputs
    from unroll.text import streams
    from unroll.tracking.record import record
    from unroll.tracking.results import training

    settings, seed = resolve(params, name)
    checkpoints = Path(".dvc/tmp/checkpoints") / name  # not an output: a killed training resumes from it
    with (
        record(result := training(params, name), checkpoints) as recorder,
        stage.atomic_outputs(*result.outputs) as (folder, metrics),
    ):
        data, curve = replace(streams.load(result.data), seed=seed), Curve(recorder.record)
        inputs = Inputs(checkpoints=checkpoints, device=params.device)
        save(family(settings.family).fit(settings, data, inputs, curve), folder, describe(params, name))
        curve.write(metrics)
    shutil.rmtree(checkpoints, ignore_errors=True)


if __name__ == "__main__":
    stage.run(main, "experiments")
