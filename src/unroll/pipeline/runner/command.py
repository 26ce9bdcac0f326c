"""The command of one stage, as a task that any process that shares the folder can run."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from unroll.pipeline import attempt
from unroll.pipeline.attempt import Attempt
from unroll.pipeline.stage import TERMINATED

FOLDER = Path(".dvc/tmp/repro")
"""The folder of the logs, and of the files that say which commands are wanted."""
FORSAKEN = 60.0
"""The seconds without a sign of life after which a task considers the process that plans the run as dead."""
POLL = 0.2
LOOK = 1.0
"""The seconds between two looks at the files that say whether the command is still wanted."""


@dataclass(frozen=True)
class Command:
    """The command of a stage."""

    name: str
    """The stage."""
    command: str
    """The command line, for the shell."""
    root: Path
    """The root of the repository."""
    alive: Path
    """The file that the process that plans the run touches, and removes when all commands must end."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables, beside those of DVC."""

    @property
    def log(self) -> Path:
        """The file of what the command prints."""
        return self._file(".log")

    @property
    def attempt(self) -> Path:
        """The file that names the newest attempt."""
        return self._file(attempt.SUFFIX)

    def _file(self, suffix: str) -> Path:
        return self.alive.parent / f"{self.name.replace('/', '_')}{suffix}"


def execute(command: Command) -> int:
    """Run the command of a stage to its end.

    The command is ended by SIGTERM if this process dies (the stage asks for that, `unroll.pipeline.stage`), if the
    process that plans the run ends or gives no sign of life, or if another attempt at the stage begins.

    Args:
        command: The command.

    Returns:
        The exit code.
    """
    signs = _SignsOfLife(command.alive)
    if not signs.are_seen():
        return TERMINATED
    with attempt.begin(command.attempt) as this:
        variables = {"DVC_ROOT": str(command.root), "DVC_STAGE": command.name, **this.variables, **command.variables}
        command.log.unlink(missing_ok=True)  # an earlier attempt that has not ended yet goes on with its own file
        with command.log.open("wb") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", command.command],
                cwd=command.root,
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                _wait(process, this, signs)
            except BaseException:
                process.terminate()
                process.wait()
                raise
    return TERMINATED if process.returncode == -signal.SIGTERM else process.returncode


def _wait(process: "subprocess.Popen[bytes]", this: Attempt, signs: "_SignsOfLife") -> None:
    """Wait until a process ends, and end it if it is not wanted any more."""
    look = time.monotonic() + LOOK
    while process.poll() is None:
        if time.monotonic() >= look:
            look = time.monotonic() + LOOK
            if not (signs.are_seen() and _is_newest(this)):
                process.terminate()
                process.wait()
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL)


def _is_newest(this: Attempt) -> bool:
    try:
        return this.is_newest()
    except OSError:  # of a network, for the moment; the stage looks again before it publishes
        return True


class _SignsOfLife:
    """Watches the file that the process that plans the run touches. The clocks of two machines are not compared."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = 0
        self._seen = time.monotonic()

    def are_seen(self) -> bool:
        """Return whether the file is there, and was touched lately."""
        stamp = self._stamp
        try:
            with self._path.open("rb") as file:  # on NFS, opening a file asks the server for its attributes
                stamp = os.fstat(file.fileno()).st_mtime_ns
        except FileNotFoundError:
            return False
        except OSError:  # of a network, for the moment
            pass
        if stamp != self._stamp:
            self._stamp, self._seen = stamp, time.monotonic()
        return time.monotonic() - self._seen < FORSAKEN
