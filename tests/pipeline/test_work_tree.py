"""The work tree of a reproduction: its configuration of DVC, and the environment of its stages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from configobj import ConfigObj

from tests.pipeline.pipeline import git, run
from unroll.pipeline.reproduction import work_tree
from unroll.provenance import changes

PROJECT = """
['remote "team"']
    url = ../../team storage
['remote "bucket"']
    url = s3://bucket/path
"""
LOCAL = """
['remote "mine"']
    url = ../../mine
['remote "bucket"']
    secret_access_key = "secret, # and more"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of git and DVC with remotes and a commit, as the present folder."""
    place = tmp_path / "my #é copy"
    place.mkdir()
    git(place, "init", "--quiet")
    run(place, "dvc", "init", "--quiet")
    (place / ".dvc/config").write_text(PROJECT)
    (place / ".dvc/config.local").write_text(LOCAL)
    (place / "params.yaml").write_text("seed: 1\n")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "first")
    monkeypatch.chdir(place)
    return place


def made(place: Path, folder: Path, **values: object) -> Path:
    """The work tree of a run of the present state."""
    recorded = place.parent / "run"
    recorded.mkdir()
    found = changes.find(place)
    (recorded / "changes.patch").write_bytes(found.patch)
    (recorded / "params.yaml").write_text("seed: 2\n")
    about = {"commit": found.commit, "folder": found.folder, "left_out": []}
    root, missing = work_tree.make(recorded, about | values, folder)
    assert missing == []
    return root


@pytest.mark.slow
def test_dvc_has_the_cache_and_the_remotes_of_the_present_repository(place: Path, tmp_path: Path) -> None:
    root = made(place, tmp_path / "deeper" / "x #é")
    assert run(root, "dvc", "cache", "dir").strip() == str(place / ".dvc/cache")
    for name, url in (("mine", tmp_path / "mine"), ("team", tmp_path / "team storage"), ("bucket", "s3://bucket/path")):
        assert run(root, "dvc", "config", f"remote.{name}.url").strip() == str(url)
    path = root / ".dvc/config.local"
    config = ConfigObj(str(path), encoding="utf-8", interpolation=False)
    assert config['remote "bucket"'] == {"secret_access_key": "secret, # and more"}
    assert config["core"]["site_cache_dir"] == str(root / ".dvc/tmp/site")
    assert path.stat().st_mode & 0o777 == 0o600
    assert git(root, "status", "--porcelain") == " M params.yaml\n"
    assert not (root / "dvc.lock").exists()


@pytest.mark.slow
def test_a_repository_in_a_folder_of_another_is_made_there(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = place / "project"
    project.mkdir()
    run(project, "dvc", "init", "--quiet", "--subdir")
    (project / "params.yaml").write_text("seed: 1\n")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "second")
    (project / "new.txt").write_text("new\n")
    (place / "beside.txt").write_text("new\n")
    monkeypatch.chdir(project)
    recorded = tmp_path / "run"
    recorded.mkdir()
    found = changes.find(project)
    (recorded / "changes.patch").write_bytes(found.patch)
    about = {"commit": found.commit, "folder": found.folder, "left_out": []}
    root, _ = work_tree.make(recorded, about, tmp_path / "again")
    assert root == tmp_path / "again/project"
    assert (root / "new.txt").read_text() == "new\n"
    assert (tmp_path / "again/beside.txt").read_text() == "new\n"
    assert run(root, "dvc", "cache", "dir").strip() == str(project / ".dvc/cache")


@pytest.mark.slow
def test_a_commit_that_no_branch_has_any_more_is_found(place: Path, tmp_path: Path) -> None:
    (place / "new.txt").write_text("new\n")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "amended later")
    commit = git(place, "rev-parse", "HEAD").strip()
    git(place, "reset", "--quiet", "--hard", "HEAD~")
    root = made(place, tmp_path / "again", commit=commit)
    assert git(root, "rev-parse", "HEAD").strip() == commit
    assert (root / "new.txt").exists()


def test_stages_find_this_interpreter_and_no_store_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DVC_ROOT", "DVC_STAGE", "DVC_EXP_NAME", "MLFLOW_TRACKING_URI", "GIT_DIR"):
        monkeypatch.setenv(name, "of another")
    monkeypatch.delenv("UNROLL_THREADS", raising=False)
    variables = work_tree.environment(3)
    assert "of another" not in variables.values()
    assert variables["UNROLL_THREADS"] == "3"
    assert variables["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
    assert "UNROLL_THREADS" not in work_tree.environment(None)
    monkeypatch.setenv("UNROLL_THREADS", "1")
    assert work_tree.environment(3)["UNROLL_THREADS"] == "1"
    found = subprocess.run(["which", "python"], env=variables, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()) == Path(sys.executable).parent / "python"


@pytest.mark.slow
def test_a_file_that_the_patch_does_not_contain_is_taken_from_the_present_folder(place: Path, tmp_path: Path) -> None:
    for name, content in (("a.bin", b"abc"), ("other.bin", b"ab")):
        (place / name).write_bytes(content)
    left_out = [
        {"path": name, "reason": "it is too large", "bytes": 3}
        for name in ("a.bin", "other.bin", "absent.bin", "inside/")
    ]
    recorded = tmp_path / "run"
    recorded.mkdir()
    (recorded / "changes.patch").touch()
    commit = git(place, "rev-parse", "HEAD").strip()
    run_json = {"commit": commit, "folder": "", "left_out": left_out}
    root, missing = work_tree.make(recorded, run_json, tmp_path / "again")
    assert (root / "a.bin").read_bytes() == b"abc"
    assert not (root / "other.bin").exists()
    assert [line.partition(":")[0] for line in missing] == ["other.bin", "absent.bin", "inside/"]
    assert missing[0].endswith(
        f"is not kept with the run (it is too large), and {place / 'other.bin'} is not the file of 3 bytes; "
        "the work tree is made without it"
    )
