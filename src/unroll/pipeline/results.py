"""The results of one run of the pipeline: a dvc.lock, and the metrics beside it, in a folder or in a commit."""

import json
import subprocess
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from hashlib import md5
from pathlib import Path
from typing import Any

from unroll.environment import RECORD, Environment, Record
from unroll.errors import UnrollError
from unroll.pipeline.lock import Lock

LOCK = "dvc.lock"


@dataclass(frozen=True)
class Results:
    """The results of one run."""

    name: str
    """The name in messages."""
    lock: Lock
    """The hashes of all outputs."""
    record: Record
    """The environments that made them."""
    read: Callable[[str], bytes | None]
    """Returns the bytes of a file by its path relative to the root of the repository; None if there is no file."""

    def without(self, stages: Collection[str]) -> "Results":
        """Return the results without those of some stages."""
        return replace(self, lock=self.lock.without(stages))

    def numbers(self, path: str) -> Any:
        """Read a JSON file of metrics.

        Args:
            path: Its path.

        Returns:
            Its content; None if there is no file.

        Raises:
            UnrollError: Its bytes are not those of the lock.
        """
        content = self.read(path)
        if content is None:
            return None
        if md5(content, usedforsecurity=False).hexdigest() != self.lock.outs.get(path):
            raise UnrollError(f"{path} of {self.name}: is not as its dvc.lock records; take both from the same run")
        return json.loads(content)

    def environment(self, path: str) -> Environment | None:
        """Return the environment that made a file of metrics; None if it is not known."""
        return self.record.find(path, self.lock.outs.get(path))


def open_results(against: str) -> Results:
    """Find results by a name.

    Args:
        against: The path of a dvc.lock, or a commit, branch or tag of the repository of the present folder.

    Returns:
        The results.

    Raises:
        UnrollError: There is no such file or commit, it has no dvc.lock, or that is damaged.
    """
    path = Path(against)
    if path.is_file():
        return _load(against, path.read_bytes(), lambda name: _read(path.parent / name))
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{against}^{{commit}}")
    if commit is None:
        raise UnrollError(
            f"{against}: is neither a file nor a commit of this repository; name a dvc.lock, or a commit, branch or tag"
        )
    revision = commit.decode().strip()

    def show(name: str) -> bytes | None:
        return _git("show", f"{revision}:./{name}")

    if (lock := show(LOCK)) is None:
        raise UnrollError(f"{against}: this commit has no {LOCK}; name one that has results")
    return _load(against, lock, show)


def here() -> Results:
    """Return the results of the present folder.

    Raises:
        UnrollError: There is no dvc.lock, or it is damaged.
    """
    if (lock := _read(Path(LOCK))) is None:
        raise UnrollError(f"{LOCK}: not found; run `dvc repro` first")
    return _load(LOCK, lock, lambda name: _read(Path(name)))


def _load(name: str, lock: bytes, read: Callable[[str], bytes | None]) -> Results:
    return Results(name, Lock.parse(lock, name), Record.parse(read(RECORD.as_posix())), read)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _git(*arguments: str) -> bytes | None:
    """Return the output of a git command; None if it fails."""
    result = subprocess.run(["git", *arguments], capture_output=True, check=False)
    return result.stdout if result.returncode == 0 else None
