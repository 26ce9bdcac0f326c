"""The tracking store: one sqlite file, made once, wherever the stage runs.

Two facts shape it. Several processes that find no database each create one, and most of them fail: so it is made
under a lock, in a temporary file, and renamed into place. And a relative address is lost with the copy of the
repository that a queued experiment runs in: so it is absolute and built from DVC_ROOT, which names the original.
"""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

from unroll.errors import UnrollError

EXPERIMENT = "unroll"


def environment() -> dict[str, str]:
    """What MLflow must find in its environment before it is imported."""
    return {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }


def folder() -> Path:
    """`mlruns` of the repository itself, also for a stage that runs in a copy of it."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve() / "mlruns"


def address(database: Path | None = None) -> str:
    return f"sqlite:///{database or folder() / 'mlflow.db'}"


def prepare() -> str:
    """Make the store if there is none; its address."""
    os.environ.update(environment())
    store = folder()
    store.mkdir(mode=0o755, parents=True, exist_ok=True)
    database = store / "mlflow.db"
    if not database.exists():
        with FileLock(store / ".mlflow.lock"):
            if not database.exists():
                _create(database)
    return address()


def upgrade() -> None:
    """Bring a store made by an older MLflow up to the installed one."""
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", address()]
    with FileLock(folder() / ".mlflow.lock"):
        subprocess.run(command, check=True, capture_output=True, env=os.environ | environment())


def outdated() -> bool:
    """Whether the store's tables are not those of the installed MLflow."""
    from mlflow.store.db import utils

    newest: str = utils._get_latest_schema_revision()  # type: ignore[no-untyped-call]
    connection = sqlite3.connect(folder() / "mlflow.db")
    try:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.DatabaseError as error:
        raise UnrollError(
            f"{folder() / 'mlflow.db'}: damaged ({error}); move it away and run `unroll doctor`"
        ) from error
    finally:
        connection.close()
    return found != [(newest,)]


def mark_killed() -> int:
    """A killed process leaves its run RUNNING for ever: mark those KILLED whose process is gone; how many."""
    import mlflow

    client = mlflow.MlflowClient(address())
    running = client.search_runs([experiment_id(client)], "attributes.status = 'RUNNING'", max_results=1000)
    dead = [run for run in running if _is_dead(run.data.tags)]
    for run in dead:
        client.set_terminated(run.info.run_id, "KILLED")
    return len(dead)


def experiment_id(client: Any) -> str:
    """Of the one experiment that holds all runs."""
    if (experiment := client.get_experiment_by_name(EXPERIMENT)) is None:
        raise UnrollError(
            f"{folder() / 'mlflow.db'}: has no experiment {EXPERIMENT}; move it away, run `unroll doctor`"
        )
    return str(experiment.experiment_id)


def _is_dead(tags: Mapping[str, str]) -> bool:
    if tags.get("unroll.host") != socket.gethostname():
        return False  # another machine's business
    try:
        return psutil.Process(int(tags["unroll.pid"])).create_time() != float(tags["unroll.started"])
    except psutil.NoSuchProcess:
        return True


def _create(database: Path) -> None:
    for stale in database.parent.glob(f".{database.name}.*"):  # of a process killed in the midst of this
        stale.unlink()
    unfinished = database.with_name(f".{database.name}.{os.getpid()}")
    # In a process of its own, so that no connection is open to the file when it gets its name.
    command = [sys.executable, "-m", "unroll.tracking.create", str(unfinished), str(database.parent / "artifacts")]
    subprocess.run(command, check=True, env=os.environ | environment())
    connection = sqlite3.connect(unfinished)
    connection.execute("PRAGMA journal_mode = WAL")  # readers do not block the writer; stays with the file
    connection.close()
    unfinished.rename(database)
