"""The commit and the changes of a work tree: applied to a clone of the commit, the patch gives the same files."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.pipeline import git
from unroll.provenance import changes

NAMES = ["a b.txt", "c#é.txt", 'quo"te.txt', "tab\there.txt", "-n", "[x]*.txt", ":colon"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository with a commit, in a folder whose name git has to escape in a list of folders."""
    place = tmp_path / 'my "#é: copy'
    place.mkdir()
    (place / ".gitignore").write_text("ignored\n")
    (place / "tracked.txt").write_text("one\n")
    (place / "removed.txt").write_text("two\n")
    (place / "binary").write_bytes(bytes(range(256)))
    (place / "run.sh").write_text("true\n")
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "first")
    return place


def change(place: Path) -> None:
    for name in NAMES:
        (place / name).write_text(f"new {name}\n", encoding="utf-8")
    (place / "tracked.txt").write_text("other\nwithout a line break")
    (place / "removed.txt").unlink()
    (place / "binary").write_bytes(bytes(reversed(range(256))))
    (place / "run.sh").chmod(0o755)
    (place / "folder").mkdir()
    (place / "folder" / "new").write_bytes(b"\0\xff\r\n")
    (place / "folder" / "empty").touch()
    (place / "link").symlink_to("tracked.txt")
    (place / "ignored").touch()
    (place / "staged.txt").write_text("staged\n")
    git(place, "add", "staged.txt")
    (place / "staged.txt").write_text("changed after git add\n")
    (place / "forgotten.txt").write_text("staged, and removed again\n")
    git(place, "add", "forgotten.txt")
    (place / "forgotten.txt").unlink()


def content(place: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in place.rglob("*") if ".git" not in path.parts and (path.is_symlink() or path.is_file())]
    return {
        str(path.relative_to(place)): (
            path.lstat().st_mode & 0o100,
            os.readlink(path).encode() if path.is_symlink() else path.read_bytes(),
        )
        for path in files
        if path.name != "ignored"
    }


def state(place: Path) -> tuple[dict[Path, bytes], int]:
    """The files of the folder .git, and the time of its index. Git may renew the time of an object."""
    files = [path for path in (place / ".git").rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in files}, (place / ".git/index").stat().st_mtime_ns


def test_a_clean_work_tree_has_no_changes(place: Path) -> None:
    found = changes.find(place)
    assert found == changes.Changes(git(place, "rev-parse", "HEAD").strip())


def test_the_patch_restores_every_change(place: Path, tmp_path: Path) -> None:
    change(place)
    found = changes.find(place)
    assert found.left_out == []
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(place), str(clone))
    git(clone, "checkout", "--quiet", str(found.commit))
    subprocess.run(["git", "apply", "--whitespace=nowarn"], cwd=clone, input=found.patch, check=True)
    assert content(clone) == content(place)
    assert content(clone).keys() >= {*NAMES, "folder/empty"}


def test_the_repository_is_not_touched(place: Path) -> None:
    change(place)
    (place / "tracked.txt").touch()  # a plain `git status` would write the new time into the index
    before = state(place)
    assert changes.find(place).patch
    assert state(place) == before


def test_settings_of_the_user_do_not_change_the_patch(place: Path) -> None:
    change(place)
    expected = changes.find(place)
    for name, value in (("diff.noprefix", "true"), ("diff.external", "false"), ("color.ui", "always")):
        git(place, "config", name, value)
    git(place, "config", "status.showUntrackedFiles", "no")
    assert changes.find(place) == expected


def test_variables_of_a_hook_do_not_choose_another_repository(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = changes.find(place)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert changes.find(place) == expected


def test_results_are_no_changes(place: Path) -> None:
    for name in ("dvc.lock", "metrics/lstm.json", "reports/leaderboard.md"):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).touch()
    assert changes.find(place).patch == b""
    (place / "src/metrics").mkdir(parents=True)
    (place / "src/metrics/new.py").write_text("code, not a result\n")
    assert b"src/metrics/new.py" in changes.find(place).patch


def test_a_folder_of_the_repository_has_the_changes_of_all_of_it(place: Path) -> None:
    (place / "project").mkdir()
    (place / "tracked.txt").write_text("other\n")
    (place / "metrics").mkdir()
    (place / "metrics/of_another_project").write_text("not a result of this one\n")
    found = changes.find(place / "project")
    assert found.folder == "project"
    assert b"a/tracked.txt" in found.patch
    assert b"metrics/of_another_project" in found.patch


def test_large_files_are_named_and_left_out(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_FILE", 100)
    monkeypatch.setattr(changes, "MAX_FILES", 250)
    for name, size in (("a", 101), ("b", 100), ("c", 99), ("d", 98)):
        (place / name).write_bytes(b"x" * size)
    git(place, "add", "a")
    found = changes.find(place)
    assert [(entry.path, entry.bytes) for entry in found.left_out] == [("b", 100), ("a", 101)]
    assert {name for name in "abcd" if f"+++ b/{name}\n".encode() in found.patch} == {"c", "d"}


def test_a_repository_inside_is_named_and_left_out(place: Path) -> None:
    (place / "inside").mkdir()
    git(place / "inside", "init", "--quiet")
    (place / "inside" / "file").touch()
    git(place / "inside", "add", "--all")
    git(place / "inside", "commit", "--quiet", "--message", "inside")
    found = changes.find(place)
    assert [entry.path for entry in found.left_out] == ["inside/"]
    assert found.patch == b""


def test_without_a_commit_the_reason_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    found = changes.find(tmp_path)
    assert found.commit is None
    assert "not a git repository" in found.reason
    git(tmp_path, "init", "--quiet")
    assert changes.find(tmp_path) == changes.Changes(None, "the repository has no commit")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert changes.find(tmp_path) == changes.Changes(None, "git is not installed")


def test_a_damaged_repository_is_no_error(place: Path) -> None:
    """A stage goes on: its result does not depend on git."""
    (place / "tracked.txt").write_text("other\n")
    tree = git(place, "rev-parse", "HEAD^{tree}").strip()
    (place / ".git/objects" / tree[:2] / tree[2:]).unlink()
    found = changes.find(place)
    assert found.commit is None
    assert found.reason
