"""Snapshots: what a stage starts from and what it published, the lock that DVC writes later, and two stages in one."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.pipeline.closure import ROOT
from tests.pipeline.pipeline import git
from unroll.errors import UnrollError
from unroll.md5 import dvc_md5
from unroll.provenance import snapshot

MD5 = hashlib.md5(b"1.5").hexdigest()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, as the present folder, with a stage of DVC as this process."""
    place = tmp_path / "my #é copy"
    place.mkdir()
    for name in ("params.yaml", "dvc.yaml", "requirements.lock", ".gitignore"):
        shutil.copyfile(ROOT / name, place / name)
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "first")
    (place / "metrics").mkdir()
    (place / "metrics/lstm.json").write_text("1.5")
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "argv", [str(place / "stages/train.py"), "lstm"])
    monkeypatch.setenv("DVC_STAGE", "train@lstm")
    monkeypatch.setenv("UNROLL_THREADS", "3")
    for name in ("DVC_EXP_NAME", "DVC_EXP_BASELINE_REV"):
        monkeypatch.delenv(name, raising=False)
    return place


def lock(**outs: dict[str, str]) -> bytes:
    """A dvc.lock of stages with outputs."""
    stages = {
        name.replace("__", "@"): {"cmd": "true", "outs": [{"path": path, "md5": md5} for path, md5 in entries.items()]}
        for name, entries in outs.items()
    }
    path = Path("new.lock")
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump({"schema": "2.0", "stages": stages}, file)
    content = path.read_bytes()
    path.unlink()
    return content


def taken(folder: Path, stage: str = "train@lstm", **outputs: str) -> Path:
    """A snapshot with the hashes of some outputs."""
    folder.mkdir()
    values: dict[str, Any] = {"format": 1, "experiment": None, "stages": {stage: {}}, "outputs": outputs}
    (folder / "run.json").write_text(json.dumps(values))
    (folder / "dvc.lock").write_bytes(b"at the start")
    return folder


def test_it_has_what_a_stage_starts_from(place: Path, tmp_path: Path) -> None:
    (place / "dvc.lock").write_bytes(lock())
    (place / "new.txt").write_text("new\n")
    snapshot.take(tmp_path / "run")
    values = snapshot.read(tmp_path / "run")
    assert values["commit"] == git(place, "rev-parse", "HEAD").strip()
    assert values["dirty"]
    assert b"new.txt" in (tmp_path / "run/changes.patch").read_bytes()
    stage = values["stages"]["train@lstm"]
    assert stage["command"] == "exec sh stages/run train lstm"
    assert stage["threads"] == 3
    for name in ("params.yaml", "dvc.lock", "requirements.lock"):
        assert (tmp_path / "run" / name).read_bytes() == (place / name).read_bytes()


def test_a_clean_work_tree_has_an_empty_patch(place: Path, tmp_path: Path) -> None:
    snapshot.take(tmp_path / "run")
    assert not snapshot.read(tmp_path / "run")["dirty"]
    assert (tmp_path / "run/changes.patch").read_bytes() == b""


def test_outside_of_git_it_says_that_there_is_no_commit(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    shutil.rmtree(place / ".git")
    snapshot.take(tmp_path / "run")
    values = snapshot.read(tmp_path / "run")
    assert values["commit"] is None
    assert "not a git repository" in values["no_commit_because"]


@pytest.mark.parametrize(
    ("script", "name", "stage"),
    [
        ("train", "lstm", "train@lstm"),
        ("train", "kneser5_lstm", "train_mixtures@kneser5_lstm"),
        ("evaluate", "kneser5_lstm", "evaluate_mixtures@kneser5_lstm"),
        ("clean", "prose", "clean@prose"),
        ("report", None, "report"),
    ],
)
def test_outside_of_dvc_the_stage_is_that_of_dvc_yaml(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, name: str | None, stage: str
) -> None:
    monkeypatch.delenv("DVC_STAGE")
    monkeypatch.setattr(sys, "argv", [f"stages/{script}.py", "--debug", *filter(None, [name])])
    snapshot.take(tmp_path / "run")
    assert list(snapshot.read(tmp_path / "run")["stages"]) == [stage]


@pytest.mark.slow
def test_the_nearest_command_of_the_user_is_recorded(tmp_path: Path) -> None:
    """A `dvc` that starts a shell, which starts the stage."""
    (tmp_path / "dvc").write_text(
        "import subprocess, sys\nsubprocess.run(['sh', '-c', sys.argv[2] + '; true'], check=True)\n"
    )
    code = f'"{sys.executable}" -c "from unroll.provenance import snapshot; print(snapshot._user_command())"'
    command = [sys.executable, str(tmp_path / "dvc"), "repro", code]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.startswith("dvc repro ")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (["/venv/bin/python", "/venv/bin/dvc", "repro", "a b"], "dvc repro 'a b'"),
        (["python3.12", "-m", "dvc", "exp", "run"], "dvc exp run"),
        (["/usr/bin/unroll", "repro", "-j", "2"], "unroll repro -j 2"),
        (["vim", "dvc"], None),
        (["make", "repro"], None),
        ([], None),
    ],
)
def test_a_command_line_is_recognized(line: list[str], command: str | None) -> None:
    assert snapshot._program(line) == command


def test_complete_adds_hashes_metrics_packages_and_the_environment(place: Path, tmp_path: Path) -> None:
    (place / "models/lstm/folder").mkdir(parents=True)
    (place / "models/lstm/folder/a").write_text("a")
    snapshot.take(tmp_path / "run")
    outputs = [Path("models/lstm"), Path("metrics/lstm.json")]
    snapshot.complete(tmp_path / "run", outputs)
    values = snapshot.read(tmp_path / "run")
    assert values["outputs"] == {str(path): dvc_md5(path) for path in outputs}
    assert values["outputs"]["metrics/lstm.json"] == MD5
    assert values["outputs"]["models/lstm"].endswith(".dir")
    assert values["stages"]["train@lstm"]["environment"]["variables"]["UNROLL_THREADS"] == "3"
    assert (tmp_path / "run/metrics/lstm.json").read_text() == "1.5"
    assert not (tmp_path / "run/models").exists()
    packages = (tmp_path / "run/packages.txt").read_text().splitlines()
    assert any(line.startswith("torch==2.13.0") for line in packages)


def test_taking_one_loads_nothing_heavy(place: Path, tmp_path: Path) -> None:
    """A stage waits for it. Its time is not asserted, since it depends on the machine."""
    code = (
        "import sys; from pathlib import Path; from unroll.provenance import snapshot; snapshot.take(Path('../run'));"
    )
    code += "print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert (tmp_path / "run/run.json").exists()
    assert not {"dvc", "mlflow", "numpy", "torch", "pandas"} & set(loaded)


def test_the_lock_is_replaced_if_it_has_these_outputs(place: Path, tmp_path: Path) -> None:
    folder = taken(tmp_path / "run", **{"metrics/lstm.json": MD5})
    assert not snapshot.add_lock(folder, place)
    for other in (lock(train__lstm={"metrics/lstm.json": "0" * 32}), lock(train__gru={"metrics/lstm.json": MD5})):
        (place / "dvc.lock").write_bytes(other)
        assert not snapshot.add_lock(folder, place)
    (place / "dvc.lock").write_bytes(b"damaged: [" + MD5.encode())
    assert not snapshot.add_lock(folder, place)
    assert (folder / "dvc.lock").read_bytes() == b"at the start"
    (place / "dvc.lock").write_bytes(lock(train__lstm={"models/lstm": "0" * 32, "metrics/lstm.json": MD5}))
    assert snapshot.add_lock(folder, place)
    assert (folder / "dvc.lock").read_bytes() == (place / "dvc.lock").read_bytes()


def test_a_stage_without_outputs_has_no_lock(place: Path, tmp_path: Path) -> None:
    (place / "dvc.lock").write_bytes(lock(train__lstm={}))
    assert not snapshot.add_lock(taken(tmp_path / "run"), place)


def test_the_lock_of_an_experiment_is_in_its_commit(place: Path, tmp_path: Path) -> None:
    folder = taken(tmp_path / "run", **{"metrics/lstm.json": MD5})
    values = snapshot.read(folder) | {"experiment": "wider"}
    (folder / "run.json").write_text(json.dumps(values))
    wanted = lock(train__lstm={"metrics/lstm.json": MD5})
    for name, content in (("wider", lock()), ("other", wanted), ("wider-2", wanted)):
        _experiment(place, name, content)
    assert not snapshot.add_lock(folder, place)
    _experiment(place, "wider", wanted)
    assert snapshot.add_lock(folder, place)
    assert (folder / "dvc.lock").read_bytes() == wanted


def _experiment(place: Path, name: str, content: bytes) -> None:
    (place / "dvc.lock").write_bytes(content)
    git(place, "add", "dvc.lock")
    git(place, "commit", "--quiet", "--message", name)
    git(place, "update-ref", f"refs/exps/12/345678/{name}", "HEAD")
    git(place, "reset", "--quiet", "--hard", "HEAD~")


def test_the_later_of_two_stages_replaces_the_earlier_one(tmp_path: Path) -> None:
    earlier = taken(tmp_path / "a", "train@lstm", model="1", both="1")
    later = taken(tmp_path / "b", "evaluate@lstm", metrics="2", both="2")
    (later / "dvc.lock").write_bytes(b"later")
    for folder, name in ((earlier, "curve.csv"), (later, "lstm.json")):
        (folder / "metrics").mkdir()
        (folder / "metrics" / name).touch()
    snapshot.merge(earlier, later)
    values = snapshot.read(earlier)
    assert list(values["stages"]) == ["train@lstm", "evaluate@lstm"]
    assert values["outputs"] == {"model": "1", "both": "2", "metrics": "2"}
    assert (earlier / "dvc.lock").read_bytes() == b"later"
    assert {path.name for path in (earlier / "metrics").iterdir()} == {"curve.csv", "lstm.json"}


def test_a_first_stage_is_copied(tmp_path: Path) -> None:
    later = taken(tmp_path / "b", "evaluate@lstm", metrics="2")
    snapshot.merge(tmp_path / "new" / "a", later)
    assert snapshot.read(tmp_path / "new" / "a") == snapshot.read(later)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}'])
def test_a_damaged_or_newer_record_is_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(UnrollError, match=r"run\.json"):
        snapshot.read(tmp_path)
