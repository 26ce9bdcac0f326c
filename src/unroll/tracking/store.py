"""The tracking store: one sqlite file, made once, wherever the stage runs.

Several processes that find no database would each create one, and most of them would fail. So it is made under a lock,
in a temporary file, and renamed into place. A relative address would be lost with the copy of the repository that a
queued experiment runs in. So the address is absolute and built from DVC_ROOT, which names the original.
"""

import logging
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
    """Return the environment variables that MLflow needs before it is imported."""
    return {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }


def folder() -> Path:
    """Return the folder `mlruns` of the repository, also for a stage that runs in a copy of the repository."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve() / "mlruns"


def address(database: Path | None = None) -> str:
    """Return the tracking URI of a database file, by default that of the repository."""
    return f"sqlite:///{database or folder() / 'mlflow.db'}"


def prepare() -> str:
    """Make the store if there is none, and return its address."""
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
    """Upgrade a store that an older MLflow made."""
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", address()]
    with FileLock(folder() / ".mlflow.lock"):
        subprocess.run(command, check=True, capture_output=True, env=os.environ | environment())


def is_outdated() -> bool:
    """Return whether an older MLflow made the tables of the store.

    Raises:
        UnrollError: The database is damaged.
    """
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
    """Mark the RUNNING runs of dead processes of this host as KILLED, and return their number."""
    import mlflow

    client = mlflow.MlflowClient(address())
    running = client.search_runs([experiment_id(client)], "attributes.status = 'RUNNING'", max_results=1000)
    dead = [run for run in running if _is_dead(run.data.tags)]
    for run in dead:
        client.set_terminated(run.info.run_id, "KILLED")
    return len(dead)


def experiment_id(client: Any) -> str:
    """Return the id of the experiment that contains all runs.

    Args:
        client: The MLflow client.

    Raises:
        UnrollError: The store does not have the experiment.
    """
    if (experiment := client.get_experiment_by_name(EXPERIMENT)) is None:
        raise UnrollError(
            f"{folder() / 'mlflow.db'}: has no experiment {EXPERIMENT}; move it away and run `unroll doctor`"
        )
    return str(experiment.experiment_id)


def _is_dead(tags: Mapping[str, str]) -> bool:
    if tags.get("unroll.host") != socket.gethostname():
        return False  # the run belongs to another host
    try:
        return psutil.Process(int(tags["unroll.pid"])).create_time() != float(tags["unroll.started"])
    except psutil.NoSuchProcess:
        return True


def _create(database: Path) -> None:
    for stale in database.parent.glob(f".{database.name}.*"):  # of a process that was killed here
        stale.unlink()
    unfinished = database.with_name(f".{database.name}.{os.getpid()}")
    # A process of its own makes the store, so that no connection is open to the file when it is renamed.
    code = "import sys; from unroll.tracking.store import make_store; make_store(*sys.argv[1:])"
    command = [sys.executable, "-c", code, str(unfinished), str(database.parent / "artifacts")]
    subprocess.run(command, check=True, env=os.environ | environment())
    connection = sqlite3.connect(unfinished)
    connection.execute("PRAGMA journal_mode = WAL")  # readers do not block the writer
    connection.close()
    unfinished.rename(database)


def make_store(database: str, artifacts: str) -> None:
    """Make a database file with an experiment.

    Args:
        database: The file to make.
        artifacts: The folder of the artifacts of the experiment.
    """
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    client = mlflow.MlflowClient(f"sqlite:///{database}")
    client.create_experiment("unroll", artifact_location=Path(artifacts).resolve().as_uri())
    client.search_registered_models(max_results=1)  # this makes the tables of the registry, too
