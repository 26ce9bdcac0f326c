"""A work tree with the code, the params and the `dvc.lock` of a run, in a folder of its own.

It is a clone that shares the objects of the present repository (`git clone --shared`), and not a worktree of git: DVC
keeps its state in the clone, and the present repository does not list it. DVC takes what it has from the cache of the
present repository.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unroll.errors import UnrollError
from unroll.pipeline.clone import clone, configure, git, try_git, without_dvc
from unroll.provenance.snapshot import LOCK, PATCH

DEFAULT = Path(".dvc/tmp/reproduce")
"""The folder for work trees, each named after its run. Git ignores it."""


def make(recorded: Path, run: Mapping[str, Any], folder: Path) -> tuple[Path, list[str]]:
    """Make the work tree of a run. The present folder is in the repository of the run.

    Args:
        recorded: The folder of the snapshot.
        run: The content of its run.json.
        folder: The folder to make. It may exist if it is empty.

    Returns:
        The root of the DVC repository in it, and a line for each changed file that is missing in it.

    Raises:
        UnrollError: The folder is not empty, or the commit cannot be found.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UnrollError(f"{folder}: is not an empty folder; remove it, or name another one with --in")
    if run["commit"] is None:
        raise UnrollError(
            f"the run was made without a commit ({run['no_commit_because']}), so its code is not known; "
            "make runs in a git repository with a commit"
        )
    present = try_git(Path(), "rev-parse", "--show-toplevel")
    if present is None or not Path(".dvc").is_dir():
        raise UnrollError(f"{Path.cwd()}: is not the root of a repository; run this in a clone of that of the run")
    _find_commit(run["commit"])
    source, folder = Path(present), folder.absolute()
    root = folder / run["folder"]
    try:
        clone(source, folder)
        if not _has(folder, run["commit"]):  # the present repository is shallow, and git does not share its objects
            git(folder, "fetch", "--quiet", "origin", run["commit"])
        git(folder, "checkout", "--quiet", "--detach", run["commit"])
        if (recorded / PATCH).stat().st_size:
            git(folder, "apply", "--whitespace=nowarn", str((recorded / PATCH).absolute()))
        missing = [line for entry in run["left_out"] if (line := _copy_left_out(entry, source, folder))]
        for name in ("params.yaml", LOCK):
            _write_if_other(recorded / name, root / name)
        configure(root)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # it was empty, and the next attempt needs it to be
        raise
    return root, missing


def _find_commit(commit: str) -> None:
    """Make sure that the present repository has a commit, which it may have to fetch."""
    for fetch in ((), ("fetch", "--quiet", "origin", commit), ("fetch", "--quiet", "origin")):
        if fetch:
            try_git(Path(), *fetch)
        if _has(Path(), commit):
            return
    raise UnrollError(
        f"{commit}: neither this repository nor its origin has this commit of the run; "
        "push it from the repository that made the run"
    )


def _has(folder: Path, commit: str) -> bool:
    return try_git(folder, "cat-file", "-e", f"{commit}^{{commit}}") is not None


def _copy_left_out(entry: Mapping[str, Any], source: Path, folder: Path) -> str:
    """Copy a changed file that the patch does not contain from the present repository, or say that it is missing."""
    path, target = source / entry["path"], folder / entry["path"]
    if path.is_file() and os.access(path, os.R_OK) and path.stat().st_size == entry["bytes"]:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
        return ""
    return (
        f"{entry['path']}: was changed when the run began, but is not kept with the run ({entry['reason']}), and "
        f"{path} is not the file of {entry['bytes']} bytes; the work tree is made without it"
    )


def _write_if_other(recorded: Path, path: Path) -> None:
    if not recorded.is_file():
        path.unlink(missing_ok=True)  # of a first run, which began without a dvc.lock
    elif not path.is_file() or path.read_bytes() != recorded.read_bytes():
        shutil.copyfile(recorded, path)


def environment(threads: int | None) -> dict[str, str]:
    """Return the environment for DVC in the work tree, with the interpreter of this process first.

    Variables of MLflow are removed, so that the reproduction is logged to a store of its own.

    Args:
        threads: The number of threads of the run, which UNROLL_THREADS overrides; None if it is not known.

    Returns:
        The variables by name.
    """
    variables = {name: value for name, value in without_dvc().items() if not name.startswith("MLFLOW_")}
    variables["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), variables.get("PATH", os.defpath)])
    if threads is not None:
        variables.setdefault("UNROLL_THREADS", str(threads))
    return variables
