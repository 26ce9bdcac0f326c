"""A clone of the repository in which DVC uses the cache of the repository.

The clone shares the objects of the repository (`git clone --shared`), so that it is small.
"""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from configobj import ConfigObj, ConfigObjError

from unroll.errors import UnrollError
from unroll.provenance.changes import without_repository


def clone(source: Path, folder: Path) -> None:
    """Clone a repository without a work tree.

    Args:
        source: The root of the git repository.
        folder: The folder to make. It may exist if it is empty.

    Raises:
        UnrollError: git fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "clone", "--quiet", "--shared", "--no-checkout", "--", str(source), ".")


def configure(root: Path) -> None:
    """Let DVC use the cache and the remotes of the present repository, and a private folder for its index.

    Args:
        root: The root of the DVC repository in the clone. Its `.dvc/config.local` is replaced.

    Raises:
        UnrollError: The configuration of the present repository cannot be read.
    """
    present = Path.cwd() / ".dvc"
    config = _read_config(present / "config.local")
    shared = _read_config(root / ".dvc" / "config")
    for name in [*shared, *config]:
        url = (config.get(name) or {}).get("url") or (shared.get(name) or {}).get("url")
        if name.startswith("remote ") and url and not urlsplit(url).scheme and not Path(url).is_absolute():
            config.setdefault(name, {})["url"] = str((present / url).resolve())  # it was relative to that folder
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    cache = subprocess.run(command, capture_output=True, text=True, env=without_dvc(), check=False)
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


def without_dvc() -> dict[str, str]:
    """Return the environment without the variables that DVC and hooks of git set for their children.

    Returns:
        The variables by name.
    """
    own = ("DVC_ROOT", "DVC_STAGE", "DVC_EXP_")
    return {name: value for name, value in without_repository(os.environ).items() if not name.startswith(own)}


def try_git(folder: Path, *arguments: str) -> str | None:
    """Run a git command that may fail.

    Args:
        folder: Where it runs.
        arguments: Its arguments.

    Returns:
        Its output without the last line break; None if it fails.
    """
    with suppress(UnrollError):
        return git(folder, *arguments)
    return None


def git(folder: Path, *arguments: str) -> str:
    """Run a git command, without hooks.

    Args:
        folder: Where it runs.
        arguments: Its arguments.

    Returns:
        Its output without the last line break.

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
