"""The repository of the user, and the relative paths that begin there."""

import os
from pathlib import Path


def repository_root() -> Path:
    """Return the root of the user's repository.

    DVC runs a queued experiment in a copy of the repository and sets `DVC_ROOT` to the original.
    """
    return Path(os.environ.get("DVC_ROOT") or Path.cwd())


def resolve(path: str) -> Path:
    """Return the location of a path that the user gave.

    A path is relative to the current folder. In a queued experiment it is relative to the user's repository if it does
    not exist in the current folder, because the copy of the repository lacks the files that Git does not track.
    """
    here = Path(path).expanduser()
    return here if here.exists() or not os.environ.get("DVC_ROOT") else repository_root() / here
