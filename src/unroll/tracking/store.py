"""The tracking store: one sqlite file, made once, wherever the stage runs.

Several processes that find no database would each create one, and most of them would fail. So it is made under a lock,
in a temporary file, and renamed into place. A relative address would be lost with the copy of the repository that a
queued experiment runs in. So the address is absolute and built from DVC_ROOT, which names the original. MLflow also
makes the paths of artifacts absolute; `unroll.tracking.artifacts` corrects them after the repository was moved.
"""

import logging
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

from unroll.errors import UnrollError
from unroll.tracking.artifacts import relocate

EXPERIMENT = "unroll"
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""The environment variables that MLflow needs before it is imported."""
logger = logging.getLogger("unroll")


def set_environment() -> None:
    """Set the environment variables of MLflow, and remove those of the user.

    A run of the pipeline belongs to the store of the repository. MLFLOW_RUN_ID would make MLflow look for a run of
    another store, for example. A warning names the variables that are removed.
    """
    # MLflow itself sets MLFLOW_TRACKING_URI to the address when the store is in use.
    own = ENVIRONMENT | {"MLFLOW_TRACKING_URI": address()}
    os.environ.update(ENVIRONMENT)
    unused = sorted(name for name in os.environ if name.startswith("MLFLOW_") and os.environ[name] != own.get(name))
    for name in unused:
        del os.environ[name]
    _accept_percent_signs()
    if unused:
        logger.warning("not used: %s; runs are logged to mlruns/mlflow.db of this repository", ", ".join(unused))


def _accept_percent_signs() -> None:
    """Let MLflow run from a folder whose name contains a percent sign.

    MLflow gives the folder of its migrations to a ConfigParser as it is, where a percent sign begins a reference. It
    escapes the address of the database only.
    """
    if "%" not in sys.prefix:
        return
    from alembic.config import Config

    def set_main_option(config: Any, name: str, value: str) -> None:
        escaped = value.replace("%", "%%") if name == "script_location" else value
        config.set_section_option(config.config_ini_section, name, escaped)

    Config.set_main_option = set_main_option  # type: ignore[assignment, method-assign]


def folder() -> Path:
    """Return the folder `mlruns` of the repository, also for a stage that runs in a copy of the repository."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve() / "mlruns"


def address(database: Path | None = None) -> str:
    """Return the tracking URI of a database file, by default that of the repository.

    SQLAlchemy writes and reads it, so any character may occur in the path. MLflow makes the parent folder of an address
    that begins with "sqlite:///" without decoding it; the name of the driver prevents that.
    """
    from sqlalchemy import URL

    path = str(database or folder() / "mlflow.db")
    return URL.create("sqlite+pysqlite", database=path).render_as_string(hide_password=False)


def prepare() -> str:
    """Make the store if there is none, correct its paths if it was moved, and return its address.

    Raises:
        UnrollError: The database is damaged.
    """
    set_environment()
    store = folder()
    store.mkdir(mode=0o755, parents=True, exist_ok=True)
    database = store / "mlflow.db"
    if not database.exists():
        with FileLock(store / ".mlflow.lock"):
            if not database.exists():
                _create(database)
    if previous := correct_paths():
        logger.info("mlflow: the paths of artifacts were those of %s, and are those of this folder now", previous)
    return address()


def correct_paths() -> str | None:
    """Make the paths of artifacts those of the present folder, if the repository was moved or copied.

    Returns:
        The previous folder of the artifacts; None if the paths were right.

    Raises:
        UnrollError: The database is damaged.
    """
    store = folder()
    with FileLock(store / ".mlflow.lock"), _connect(store / "mlflow.db") as connection:
        return relocate(connection, EXPERIMENT, store.as_uri())


@contextmanager
def _connect(database: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(database, timeout=60)
    try:
        with connection:  # one transaction
            yield connection
    except sqlite3.DatabaseError as error:
        raise UnrollError(f"{database}: damaged ({error}); move it away and run `unroll doctor`") from error
    finally:
        connection.close()


def upgrade() -> None:
    """Upgrade a store that an older MLflow made."""
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", address()]
    with FileLock(folder() / ".mlflow.lock"):
        subprocess.run(command, check=True, capture_output=True, env=os.environ | ENVIRONMENT)


def is_outdated() -> bool:
    """Return whether an older MLflow made the tables of the store.

    Raises:
        UnrollError: The database is damaged.
    """
    from mlflow.store.db import utils

    newest: str = utils._get_latest_schema_revision()  # type: ignore[no-untyped-call]
    with _connect(folder() / "mlflow.db") as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
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
    subprocess.run(command, check=True, env=os.environ | ENVIRONMENT)
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
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    location = Path(artifacts).resolve().as_uri()
    # This makes the experiment Default. A client would take its location from the working directory, as a path in SQL
    # where a quotation mark in the name of a folder is an error.
    SqlAlchemyStore(address(Path(database)), location)  # type: ignore[no-untyped-call]
    client = mlflow.MlflowClient(address(Path(database)))
    client.create_experiment(EXPERIMENT, artifact_location=location)
    client.search_registered_models(max_results=1)  # this makes the tables of the registry, too
