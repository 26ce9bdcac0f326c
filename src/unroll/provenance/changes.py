"""The commit of a work tree, and its changes since then as a patch of git.

Results are no changes: DVC tracks them, and `dvc.lock` has their hashes. Nothing is written into the repository, not
even into its index.
"""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

RESULTS = ("dvc.lock", "metrics", "reports")
"""What the pipeline writes and git tracks, relative to the root of the DVC repository."""
MAX_FILE, MAX_FILES = 10_000_000, 50_000_000
"""The largest file of a patch, and the largest sum of its files, in bytes."""
LOCAL = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)
"""Variables that a hook of git sets. They would name another repository than that of the folder."""


@dataclass(frozen=True)
class LeftOut:
    """A changed file that is not in the patch."""

    path: str
    """Its path relative to the root of the git repository."""
    reason: str
    """Why it is left out."""
    bytes: int
    """Its size."""


@dataclass(frozen=True)
class Changes:
    """The state of a work tree."""

    commit: str | None
    """The full id of the commit; None outside of git."""
    reason: str = ""
    """Why there is no commit; empty if there is one."""
    folder: str = ""
    """The folder of the DVC repository, relative to the root of the git repository; empty if it is the same."""
    patch: bytes = b""
    """The changes since the commit, with new files; empty without changes."""
    left_out: list[LeftOut] = field(default_factory=list)
    """Changed files that are not in the patch."""


def without_repository(environment: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables without those that choose a repository of git."""
    return {name: value for name, value in environment.items() if name not in LOCAL}


def find(root: Path) -> Changes:
    """Find the commit of a work tree and what changed since then: tracked files, and new files that are not ignored.

    Args:
        root: The root of the DVC repository.

    Returns:
        The changes.
    """
    try:
        return _find(root)
    except FileNotFoundError:
        return Changes(None, "git is not installed")
    except subprocess.CalledProcessError as error:  # a stage goes on without a record of its code
        lines = error.stderr.decode(errors="replace").splitlines() or [f"exit code {error.returncode}"]
        return Changes(None, lines[0].removeprefix("fatal: "))


def _find(root: Path) -> Changes:
    pathspecs = [":/", *(f":(exclude){name}" for name in RESULTS)]
    status = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames", "--"]
    # Without the option, git would write what it found into the index.
    listed = _git(root, "--no-optional-locks", *status, *pathspecs)
    entries = os.fsdecode(listed).rstrip("\0").split("\0")
    commit = next(entry.split(" ", 2)[2] for entry in entries if entry.startswith("# branch.oid "))
    if commit == "(initial)":
        return Changes(None, "the repository has no commit")
    asked = ("--show-toplevel", "--show-prefix", "--git-path", "objects")
    found = os.fsdecode(_git(root, "rev-parse", "--path-format=absolute", *asked)).split("\n")
    top, folder, objects = Path(found[0]), found[1].rstrip("/"), found[2]
    changed = [path for entry in entries if (path := _path(entry))]
    left_out = _too_large(top, changed)
    kept = [path for path in changed if path not in {entry.path for entry in left_out}]
    return Changes(commit, "", folder, _patch(top, objects, kept) if kept else b"", left_out)


def _path(entry: str) -> str:
    """Return the path of an entry of `git status --porcelain=v2 -z`; empty for a header."""
    fields = {"1": 8, "u": 10, "?": 1}  # before the path
    return entry.split(" ", number)[number] if (number := fields.get(entry[:1])) else ""


def _too_large(top: Path, changed: list[str]) -> list[LeftOut]:
    """Return the files that a patch cannot contain, and those that would make it too large."""
    sizes = {path: (top / path).lstat().st_size for path in changed if os.path.lexists(top / path)}
    left_out, total = [], 0
    for path, size in sorted(sizes.items(), key=lambda item: item[1]):
        file = top / path
        if path.endswith("/"):
            left_out.append(LeftOut(path, "it is a git repository of its own", 0))
        elif not file.is_symlink() and not os.access(file, os.R_OK):
            left_out.append(LeftOut(path, "it cannot be read", size))
        elif size > MAX_FILE or total + size > MAX_FILES:
            left_out.append(LeftOut(path, "it is too large", size))
        else:
            total += size
    return left_out


def _patch(top: Path, objects: str, paths: list[str]) -> bytes:
    """Return the changes of some files as a patch, by an index and a folder of objects that are removed afterwards."""
    with TemporaryDirectory() as temporary:
        (Path(temporary) / "objects").mkdir()
        escaped = objects.replace("\\", "\\\\").replace('"', '\\"')
        variables = {
            "GIT_INDEX_FILE": f"{temporary}/index",
            "GIT_OBJECT_DIRECTORY": f"{temporary}/objects",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{escaped}"',  # a colon would separate two folders
        }
        names = os.fsencode("".join(f"{path}\0" for path in paths))
        _git(top, "read-tree", "HEAD", variables=variables)
        _git(top, "update-index", "-z", "--add", "--remove", "--stdin", input=names, variables=variables)
        plain = ("--no-ext-diff", "--no-textconv", "--no-renames", "--no-color", "--src-prefix=a/", "--dst-prefix=b/")
        return _git(
            top, "diff-index", "--cached", "--binary", "--full-index", "--patch", *plain, "HEAD", variables=variables
        )


def _git(folder: Path, *arguments: str, input: bytes = b"", variables: Mapping[str, str] | None = None) -> bytes:
    environment = without_repository(os.environ) | dict(variables or {})
    command = ["git", "-c", "core.compression=1", *arguments]  # a fast one, since a stage waits for it
    return subprocess.run(command, cwd=folder, input=input, env=environment, capture_output=True, check=True).stdout
