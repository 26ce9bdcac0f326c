"""The command of one stage, as a task that any process that shares the folder can run."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from unroll.pipeline.stage import TERMINATED

FORSAKEN = 60.0
"""The seconds without a sign of life after which a task considers the process that plans the run as dead."""
POLL = 0.2


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
        return self.alive.parent / f"{self.name.replace('/', '_')}.log"


def execute(command: Command) -> int:
    """Run the command of a stage to its end.

    The command is ended by SIGTERM if this process dies (the stage asks for that, `unroll.pipeline.stage`), or if the
    process that plans the run ends or gives no sign of life.

    Args:
        command: The command.

    Returns:
        The exit code.
    """
    variables = {"DVC_ROOT": str(command.root), "DVC_STAGE": command.name, **command.variables}
    with command.log.open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command.command],
            cwd=command.root,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        ended = False
        try:
            while process.poll() is None:
                if not ended and not _is_wanted(command.alive):
                    process.terminate()
                    ended = True
                with suppress(subprocess.TimeoutExpired):
                    process.wait(POLL)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    return TERMINATED if process.returncode == -signal.SIGTERM else process.returncode


def _is_wanted(alive: Path) -> bool:
    try:
        return time.time() - alive.stat().st_mtime < FORSAKEN
    except OSError:
        return False
