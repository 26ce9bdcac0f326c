"""Which process may run a stage: the newest attempt at it.

`unroll repro` may start a stage again before an earlier attempt at it has ended, since the worker or the run that
started it was lost, possibly on another machine. An attempt writes its token to a file before it starts the command.
The command gets the token in its environment, and ends if the file contains another token or is gone. Without the
variable, for example in `dvc repro`, nothing is checked.
"""

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from unroll.errors import UnrollError

VARIABLE = "UNROLL_ATTEMPT"
SUFFIX = ".attempt"


@dataclass(frozen=True)
class Attempt:
    """An attempt at a stage."""

    path: Path
    """The file with the token of the newest attempt."""
    token: str
    parent: int
    """The process that starts the command."""

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables that name this attempt to its command."""
        return {VARIABLE: f"{self.token} {self.parent} {self.path}"}

    def is_newest(self) -> bool:
        """Return whether no other attempt has begun, and the stage has not ended.

        Raises:
            OSError: The file cannot be read.
        """
        try:
            return self.path.read_text(encoding="ascii") == self.token
        except FileNotFoundError:
            return False


@contextmanager
def begin(path: Path) -> Iterator[Attempt]:
    """Begin an attempt, which ends with the block. All earlier attempts end soon.

    Args:
        path: The file with the token of the newest attempt.

    Yields:
        The attempt.
    """
    attempt = Attempt(path, uuid.uuid4().hex, os.getpid())
    part = path.with_name(f"{path.name}.{attempt.token}")
    part.write_text(attempt.token, encoding="ascii")
    part.replace(path)
    try:
        yield attempt
    finally:
        with suppress(OSError):
            if attempt.is_newest():
                path.unlink()


def require_parent() -> None:
    """Require that the process that started this attempt still runs, after a signal for its death was requested.

    Raises:
        UnrollError: It has ended, so that the signal will not come.
    """
    if (attempt := _current()) is None:
        return
    try:
        ended = psutil.Process(attempt.parent).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        ended = True
    if ended:
        raise UnrollError("the process that started this stage has ended; run `unroll repro` again")


def require_newest() -> None:
    """Require that this process belongs to the newest attempt at its stage.

    Raises:
        UnrollError: Another attempt has begun, or has ended.
        OSError: The file of the attempt cannot be read.
    """
    if (attempt := _current()) is not None and not attempt.is_newest():
        raise UnrollError("another attempt at this stage has begun, so this one publishes nothing")


def _current() -> Attempt | None:
    """Return the attempt of this process."""
    if not (text := os.environ.get(VARIABLE)):
        return None
    token, parent, path = text.split(" ", 2)
    return Attempt(Path(path), token, int(parent))
