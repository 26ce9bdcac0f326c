"""A work tree with the code, the params and the `dvc.lock` of a run, in a folder of its own.

It is a clone that shares the objects of the present repository (`git clone --shared`), and not a worktree of git: DVC
keeps its state in the clone, and the present repository does not list it. DVC takes what it has from the cache of the
present repository.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from configobj import ConfigObj, ConfigObjError

from unroll.errors import UnrollError
from unroll.provenance.changes import without_repository
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
    present = _git(Path(), "rev-parse", "--show-toplevel")
    if present is None or not Path(".dvc").is_dir():
        raise UnrollError(f"{Path.cwd()}: is not the root of a repository; run this in a clone of that of the run")
    _find_commit(run["commit"])
    source, folder = Path(present), folder.absolute()
    root = folder / run["folder"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _must(folder, "clone", "--quiet", "--shared", "--no-checkout", "--", str(source), ".")
        if not _has(folder, run["commit"]):  # the present repository is shallow, and git does not share its objects
            _must(folder, "fetch", "--quiet", "origin", run["commit"])
        _must(folder, "checkout", "--quiet", "--detach", run["commit"])
        if (recorded / PATCH).stat().st_size:
            _must(folder, "apply", "--whitespace=nowarn", str((recorded / PATCH).absolute()))
        missing = [line for entry in run["left_out"] if (line := _copy_left_out(entry, source, folder))]
        for name in ("params.yaml", LOCK):
            _write_if_other(recorded / name, root / name)
        _configure(root)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # it was empty, and the next attempt needs it to be
        raise
    return root, missing


def _find_commit(commit: str) -> None:
    """Make sure that the present repository has a commit, which it may have to fetch."""
    for fetch in ((), ("fetch", "--quiet", "origin", commit), ("fetch", "--quiet", "origin")):
        if fetch:
            _git(Path(), *fetch)
        if _has(Path(), commit):
            return
    raise UnrollError(
        f"{commit}: neither this repository nor its origin has this commit of the run; "
        "push it from the repository that made the run"
    )


def _has(folder: Path, commit: str) -> bool:
    return _git(folder, "cat-file", "-e", f"{commit}^{{commit}}") is not None


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


def _configure(root: Path) -> None:
    """Let DVC use the cache and the remotes of the present repository, and a private folder for its index."""
    present = Path.cwd() / ".dvc"
    config = _read_config(present / "config.local")
    shared = _read_config(root / ".dvc" / "config")
    for name in [*shared, *config]:
        url = (config.get(name) or {}).get("url") or (shared.get(name) or {}).get("url")
        if name.startswith("remote ") and url and not urlsplit(url).scheme and not Path(url).is_absolute():
            config.setdefault(name, {})["url"] = str((present / url).resolve())  # it was relative to that folder
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    cache = subprocess.run(command, capture_output=True, text=True, env=_without_dvc(), check=False)
    if cache.returncode:
        raise UnrollError(f"{Path.cwd()}: `dvc cache dir` failed; run `dvc doctor`")
    config.setdefault("cache", {})["dir"] = str(Path(cache.stdout.strip()).absolute())
    index = root / ".dvc" / "tmp" / "site"  # see unroll.pipeline.doctor
    index.mkdir(mode=0o700, parents=True, exist_ok=True)
    config.setdefault("core", {})["site_cache_dir"] = str(index)
    config.filename = str(root / ".dvc" / "config.local")
    Path(config.filename).touch(mode=0o600)  # it may contain passwords of remotes
    config.write()


def _read_config(path: Path) -> ConfigObj:
    try:
        return ConfigObj(str(path), encoding="utf-8", interpolation=False)
    except (ConfigObjError, UnicodeDecodeError) as error:
        raise UnrollError(f"{path}: cannot be read ({error}); correct or remove it") from None


def environment(threads: int | None) -> dict[str, str]:
    """Return the environment for DVC in the work tree, with the interpreter of this process first.

    Variables of MLflow are removed, so that the reproduction is logged to a store of its own.

    Args:
        threads: The number of threads of the run, which UNROLL_THREADS overrides; None if it is not known.

    Returns:
        The variables by name.
    """
    variables = {name: value for name, value in _without_dvc().items() if not name.startswith("MLFLOW_")}
    variables["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), variables.get("PATH", os.defpath)])
    if threads is not None:
        variables.setdefault("UNROLL_THREADS", str(threads))
    return variables


def _without_dvc() -> dict[str, str]:
    """Return the environment without the variables that DVC and hooks of git set for their children."""
    own = ("DVC_ROOT", "DVC_STAGE", "DVC_EXP_")
    return {name: value for name, value in without_repository(os.environ).items() if not name.startswith(own)}


def _git(folder: Path, *arguments: str) -> str | None:
    """Return the output of a git command without its last line break; None if it fails."""
    with suppress(UnrollError):
        return _must(folder, *arguments)
    return None


def _must(folder: Path, *arguments: str) -> str:
    """Return the output of a git command without its last line break.

    Raises:
        UnrollError: It fails.
    """
    command = ["git", "-c", f"core.hooksPath={os.devnull}", *arguments]
    variables = without_repository(os.environ) | {"GIT_TERMINAL_PROMPT": "0"}
    result = subprocess.run(command, cwd=folder, env=variables, capture_output=True, check=False)
    if result.returncode:
        lines = result.stderr.decode(errors="replace").splitlines() or [f"exit code {result.returncode}"]
        raise UnrollError(f"{folder.absolute()}: `git {arguments[0]}` failed ({lines[0]})")
    return os.fsdecode(result.stdout).removesuffix("\n")
