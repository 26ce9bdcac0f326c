"""A small pipeline that has run, and the snapshots of its runs."""

import shutil
from pathlib import Path

from tests.pipeline.pipeline import copy_of_the_repository, git, run, small, write_params, yaml

TARGET = "evaluate@lstm"
"""A stage with a training before it."""


def repository(place: Path) -> Path:
    """A repository whose small pipeline has run up to the evaluation of an LSTM."""
    copy_of_the_repository(place)
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


def snapshots(place: Path, folder: Path, name: str = "") -> Path:
    """Fetch the snapshot of the run of an LSTM, of an experiment or of the repository itself."""
    code = "import sys; from pathlib import Path; from unroll.tracking.find import fetch; "
    code += "fetch(sys.argv[1], Path(sys.argv[2]))"
    run(place, "unroll", "sync", code=None)
    run(place, "python", "-c", code, f"lstm@{name}" if name else "lstm", str(folder))
    return folder
