"""Train one model of any section: python -m stages.train MODEL."""

import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from unroll.params.root import Root
from unroll.pipeline import stage


def main(params: Root, name: str) -> None:
    """Train the model `name`, and publish its folder and its learning curve."""
    from unroll.fingerprint import describe, resolve
    from unroll.models import family
    from unroll.models.base.folder import save
    from unroll.models.base.inputs import Inputs
    from unroll.text import streams
    from unroll.tracking.curve import Curve
    from unroll.tracking.run import run as run_tracked

    settings, seed = resolve(params, name)
    partition = Path("data/partitions") / settings.tokenizer
    checkpoints = Path(".dvc/tmp/checkpoints") / name  # not an output: a killed training resumes from it
    live = hasattr(settings, "training")  # other families take seconds: stage report logs their curves
    with (
        run_tracked("train", name, describe(params, name), partition) if live else nullcontext() as run,
        stage.atomic_outputs(Path("models") / name, Path("metrics/train") / f"{name}.csv") as (folder, metrics),
    ):
        data, curve = replace(streams.load(partition), seed=seed), Curve(run)
        inputs = Inputs(checkpoints=checkpoints, device=params.device)
        save(family(settings.family).fit(settings, data, inputs, curve), folder, describe(params, name))
        curve.write(metrics)
        if run:
            run.log_model(folder)
    shutil.rmtree(checkpoints, ignore_errors=True)


if __name__ == "__main__":
    stage.run(main, "experiments")
