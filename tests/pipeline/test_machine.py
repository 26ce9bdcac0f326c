"""The pipeline on a stranger's machine: odd names, a move, a scheduler, a plain locale, no activated environment."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.pipeline import (
    PROGRAMS,
    copy_of_the_repository,
    edit_params,
    git,
    hashes,
    runs,
    small,
    write_params,
    yaml,
)

ODD = {
    "LANG": "C",
    "SLURM_NTASKS": "2",
    "SLURM_PROCID": "1",
    "WORLD_SIZE": "2",
    "RANK": "1",
    "LOCAL_RANK": "1",
    "PL_TRAINER_LIMIT_TRAIN_BATCHES": "1",
    "MLFLOW_RUN_ID": "abc",
    "MLFLOW_EXPERIMENT_ID": "7",
}


@pytest.fixture
def odd(tmp_path: Path) -> dict[str, str]:
    """The environment: that of a scheduler, of MLflow and of another locale, without an activated environment."""
    path = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if not (Path(p) / "unroll").exists())
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    return ODD | {"PATH": path, "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"), "SHELL": "/bin/sh"}


def program(place: Path, environment: dict[str, str], name: str, *arguments: str, code: int = 0) -> str:
    """Run .venv/bin/NAME in `place`; its output."""
    command = [f".venv/bin/{name}", *arguments]
    result = subprocess.run(command, cwd=place, env=environment, capture_output=True, check=False)
    output = (result.stdout + result.stderr).decode("utf-8")
    assert result.returncode == code, output
    assert "Traceback" not in output, output
    return output


@pytest.mark.slow
def test_the_pipeline_in_an_odd_folder_that_is_moved(tmp_path: Path, odd: dict[str, str]) -> None:
    place = copy_of_the_repository(tmp_path / "a é%41 #b", with_store=False)
    values = small(yaml.load((place / "params.yaml").read_text(encoding="utf-8")), place)
    models = {name: values["models"][name] for name in ("unigram", "lstm")}
    words = {"words": values["tokenizers"]["words"]}
    corpora = {"prose": values["corpora"]["prose"]}
    write_params(place, values | {"corpora": corpora, "tokenizers": words, "models": models, "mixtures": {}})
    (place / ".venv").symlink_to(PROGRAMS.parent)
    git(place, "init", "--quiet")

    assert "mlflow: store made" in program(place, odd, "unroll", "doctor")
    program(place, odd, "dvc", "repro")
    before = hashes(place)

    moved = tmp_path / "b ?日'"
    place.rename(moved)
    output = program(moved, odd, "unroll", "doctor")
    assert f"the paths of artifacts were those of {place}/mlruns" in output
    assert "Data and pipelines are up to date" in program(moved, odd, "dvc", "repro")
    edit_params(moved, "models.lstm.training.learning_rate", 0.003)
    program(moved, odd, "dvc", "repro")
    assert hashes(moved)["models/lstm"] != before["models/lstm"]
    assert hashes(moved)["models/unigram"] == before["models/unigram"]
    program(moved, odd, "unroll", "sync")
    assert "all results are logged" in program(moved, odd, "unroll", "sync")
    assert "outputs match dvc.lock" in program(moved, odd, "unroll", "verify")

    found = runs(moved)
    assert all(run.info.status == "FINISHED" for run in found)
    folders = [moved / "mlruns" / "artifacts" / run.info.run_id / "artifacts" for run in found]
    assert all(any(folder.iterdir()) for folder in folders)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([moved.name, "home", "tmp"])
    assert not [path for path in (tmp_path / "tmp").rglob("*") if path.is_file()]
