"""The folder of the journals, and the process that logs them.

Each store has an outbox of its own, so that a server that is down does not delay the local store.
"""

import hashlib
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock, Timeout

EXPERIMENT = "unroll"
LATE = 60
"""The age in seconds at which a journal that could not be logged is reported."""
SYNC = "sync"
"""The file that asks the process that logs to look for results that DVC restored, before it ends."""
LATER = "later"
"""The value of UNROLL_TRACKING that starts no process: `unroll sync` logs."""
logger = logging.getLogger("unroll")


def root() -> Path:
    """Return the folder `mlruns` of the repository, also for a stage that runs in a copy of the repository."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve() / "mlruns"


def server() -> str:
    """Return the address of a server that the user chose by MLFLOW_TRACKING_URI; empty for the local store."""
    return os.environ.get("MLFLOW_TRACKING_URI", "")


def experiment() -> str:
    """Return the name of the MLflow experiment: MLFLOW_EXPERIMENT_NAME, or `unroll`."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT


def folder() -> Path:
    """Return the outbox of the store that the environment names. It is made if there is none."""
    key = hashlib.sha256(json.dumps([server(), experiment()]).encode()).hexdigest()[:12]
    path = root() / "outbox" / (key if server() or experiment() != EXPERIMENT else "local")
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def waiting(outbox: Path) -> list[Path]:
    """Return the folders of all journals, those of killed trainings, too, in the order of their start."""
    return sorted(path.parent for path in outbox.glob("[0-9]*/run.json"))


def problem(outbox: Path) -> str:
    """Return why the last attempt to log failed; empty if it did not."""
    path = outbox / "problem"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def started(journal: Path) -> float:
    """Return when a journal was published, in seconds since 1970."""
    return int(journal.name.split("-")[0]) / 1e9


def wake(outbox: Path) -> None:
    """Start the process that logs the journals of an outbox, if it does not run."""
    if os.environ.get("UNROLL_TRACKING") == LATER:
        return
    try:
        with FileLock(outbox / "logger.lock", timeout=0):
            pass
    except Timeout:
        return
    # The variables of DVC are those of the stage, and the process logs other results, too.
    own = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    # The shell ends at once, so that its child outlives the stage and is never a child to wait for.
    command = ["sh", "-c", 'exec "$@" &', "sh", sys.executable, "-m", "unroll.tracking.logger", str(outbox)]
    try:
        with (outbox / "logger.log").open("ab") as log:
            subprocess.run(
                command,
                cwd=root().parent,
                env=own,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C does not reach it
                check=True,
            )
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("the process that logs to MLflow did not start (%s); `unroll sync` logs the results", error)
