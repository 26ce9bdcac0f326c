"""The work trees that the points of a sweep run in.

A point does not run in the work tree of the user, where `dvc exp run` would change files, and where one point at a time
can run. It runs in a clone with the cache of the repository. The next point uses the same clone again, so that the data
is linked into it once.
"""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from unroll.errors import UnrollError
from unroll.pipeline.clone import clone, configure, git, try_git
from unroll.pipeline.doctor import repair_rwlock

KEPT = "refs/unroll/sweeps"
"""Where git keeps the changes that the points of a sweep begin from, so that it does not remove them."""
IDENTITY = ("user.name", "user.email")


@dataclass(frozen=True)
class Base:
    """What every point of a sweep begins from."""

    commit: str
    """The commit, which is the baseline of the experiments."""
    changes: str
    """A commit with the changes of tracked files of the work tree; that commit itself if there are none."""
    folder: str
    """The root of the DVC repository, relative to that of the git repository."""

    def as_json(self) -> dict[str, str]:
        """Return the values by name."""
        return asdict(self)


def take_base(name: str) -> Base:
    """Return what the points of a new sweep begin from: the present commit, and the changes of tracked files.

    Args:
        name: The name of the sweep.

    Returns:
        The base. Git keeps its objects.

    Raises:
        UnrollError: The present folder is not the root of a repository with a commit.
    """
    commit, top = try_git(Path(), "rev-parse", "--verify", "HEAD"), try_git(Path(), "rev-parse", "--show-toplevel")
    if commit is None or top is None or not Path(".dvc").is_dir():
        raise UnrollError(f"{Path.cwd()}: is not the root of a git and DVC repository with a commit; run this in one")
    try_git(Path(), "update-index", "-q", "--refresh")  # otherwise git 2.39 fails where only times have changed
    changes = git(Path(), "-c", "user.name=unroll", "-c", "user.email=unroll", "stash", "create") or commit
    git(Path(), "update-ref", f"{KEPT}/{name}", changes)
    return Base(commit, changes, str(Path.cwd().resolve().relative_to(Path(top).resolve())))


def experiments() -> dict[str, str]:
    """Return the experiments of DVC of this repository, the oldest first: the reference of each by its name."""
    listed = git(Path(), "for-each-ref", "--sort=creatordate", "--format=%(refname)", "refs/exps").split()
    return {ref.split("/")[-1]: ref for ref in listed if ref.count("/") == 4}


def make_place(folder: Path, base: Base) -> Path:
    """Make a work tree, unless there is one.

    Args:
        folder: Where it is.
        base: What the points begin from.

    Returns:
        The root of the DVC repository in it.

    Raises:
        UnrollError: git fails, or the configuration of DVC cannot be read.
    """
    root = (folder / base.folder).absolute()
    ready = folder / ".git" / "ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)  # a kill may have left a part of it
        clone(Path(git(Path(), "rev-parse", "--show-toplevel")), folder)
        git(folder, "checkout", "--quiet", "--force", "--detach", base.commit)
        for key in IDENTITY:
            if value := try_git(Path(), "config", key):
                git(folder, "config", key, value)
        configure(root)
        ready.touch()
    return root


def reset(root: Path, base: Mapping[str, str]) -> None:
    """Let a work tree be what its next point begins from. Files that git ignores stay.

    Args:
        root: The root of the DVC repository in it.
        base: The values of the base.

    Raises:
        UnrollError: git fails.
    """
    for lock in (root / ".dvc/tmp/locks").glob("*.lock"):
        with FileLock(lock):  # a stage of a point that was killed ends first
            pass
    top = Path(git(root, "rev-parse", "--show-toplevel"))
    for lock in (top / ".git").rglob("*.lock"):  # a kill may have left it, and only this process uses the clone
        lock.unlink()
    repair_rwlock(root)
    git(top, "reset", "--quiet", "--hard", base["commit"])
    if base["changes"] != base["commit"]:
        git(top, "restore", "--source", base["changes"], "--staged", "--worktree", "--", ".")
    git(top, "clean", "--quiet", "--force", "-d")
