"""`UNROLL_MIRROR`: a folder (or https address) of catalogue files, looked in before the internet."""

import os
from pathlib import Path

from unroll.corpora.paths import located
from unroll.errors import UnrollError

VARIABLE = "UNROLL_MIRROR"


def find(name: str) -> Path | None:
    """The file of that catalogue name (`timemachine/timemachine.txt`) in a mirror folder; None if it is not there."""
    mirror = _mirror()
    if not mirror or "://" in mirror:
        return None
    folder = located(mirror)
    if not folder.is_dir():
        raise UnrollError(f"{VARIABLE}: {mirror} is no folder; correct it or unset it")
    return path if (path := folder / name).is_file() else None


def urls(name: str) -> list[str]:
    """Where that file is in a mirror on the web; empty if there is none."""
    mirror = _mirror()
    return [f"{mirror.rstrip('/')}/{name}"] if "://" in mirror else []


def _mirror() -> str:
    return os.environ.get(VARIABLE, "")
