"""Where relative paths of the user begin."""

import os
from pathlib import Path


def root() -> Path:
    """The user's repository. In a queued experiment the code is a copy elsewhere, and `DVC_ROOT` is the real one."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd())


def located(path: str) -> Path:
    """`path` from the current folder or, if nothing is there, from the repository: experiments run in a copy of the
    repository that lacks what git does not track."""
    here = Path(path).expanduser()
    return here if here.exists() or not os.environ.get("DVC_ROOT") else root() / here
