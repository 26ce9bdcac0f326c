"""A small pipeline whose stages take snapshots, in the folder `mlruns/snapshots` of the repository."""

import shutil
from pathlib import Path

from tests.pipeline.pipeline import copy_of_the_repository, git, run, small, write_params, yaml
from unroll.provenance import snapshot

TARGET = "evaluate@lstm"
"""A stage with a training before it."""
TAKE = """
if __name__ == "__main__":
    import os

    from unroll.provenance import snapshot

    def recorded(params: Root, name: str) -> None:
        run = os.environ.get("DVC_EXP_NAME", "workspace")
        folder = Path(os.environ["DVC_ROOT"]) / "mlruns" / "snapshots" / run / os.environ["DVC_STAGE"]
        snapshot.take(folder)
        main(params, name)
        snapshot.complete(folder, [Path(path.format(name)) for path in OUTPUTS])

    recorded.__module__ = main.__module__
    stage.run(recorded, "experiments")
"""
OUTPUTS = {
    "train": ("models/{}", "metrics/train/{}.csv"),
    "evaluate": ("data/evaluations/{}", "reports/samples/{}.txt", "metrics/{}.json"),
}


def repository(place: Path) -> Path:
    """A repository whose small pipeline has run up to the evaluation of an LSTM."""
    copy_of_the_repository(place)
    for name, outputs in OUTPUTS.items():
        script = place / "stages" / f"{name}.py"
        text, _, _ = script.read_text(encoding="utf-8").partition('\nif __name__ == "__main__":')
        script.write_text(f"{text}{TAKE.replace('OUTPUTS', repr(outputs))}", encoding="utf-8")
    write_params(place, small(yaml.load((place / "params.yaml").read_text(encoding="utf-8")), place))
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "small")
    run(place, "unroll", "doctor")
    run(place, "dvc", "repro", TARGET)
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "results")
    return place


def copy(place: Path, other: Path) -> Path:
    """A copy of a repository, to experiment with."""
    shutil.copytree(place, other, symlinks=True)
    run(other, "unroll", "doctor")
    return other


def snapshots(place: Path, folder: Path, name: str = "workspace") -> Path:
    """Merge the snapshots of the training and the evaluation, as a run of MLflow has them."""
    for stage in ("train@lstm", "evaluate@lstm"):
        snapshot.merge(folder, place / "mlruns" / "snapshots" / name / stage)
    return folder
