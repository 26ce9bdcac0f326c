"""The tracking store: one sqlite file, made once, wherever the stage runs.

Several processes that find no database would each create one, and most of them would fail. So it is made under a lock,
in a temporary file, and renamed into place. A relative address would be lost with the copy of the repository that a
queued experiment runs in. So the address is absolute and built from DVC_ROOT, which names the original. MLflow also
makes the paths of artifacts absolute; `unroll.tracking.artifacts` corrects them after the repository was moved.
"""

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from unroll.errors import UnrollError
from unroll.tracking import outbox
from unroll.tracking.artifacts import relocate

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
"""The environment variables that MLflow needs before it is imported."""
NETWORK = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
"""How long a request waits for a server, unless the user sets it. A journal is logged again later."""
logger = logging.getLogger("unroll")


def set_environment() -> None:
    """Set the environment variables of MLflow.

    MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME choose the store. The run that MLFLOW_RUN_ID names is that of another
    program, and becomes the parent of the runs (`unroll.tracking.parents`); MLflow itself must not continue it.
    """
    os.environ.update(ENVIRONMENT)
    for name, value in NETWORK.items():
        os.environ.setdefault(name, value)
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):
        os.environ.pop(name, None)
    _accept_percent_signs()


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


def address(database: Path | None = None) -> str:
    """Return the tracking URI of a database file, by default that of the repository.

    SQLAlchemy writes and reads it, so any character may occur in the path. MLflow makes the parent folder of an address
    that begins with "sqlite:///" without decoding it; the name of the driver prevents that.
    """
    from sqlalchemy import URL

    path = str(database or outbox.root() / "mlflow.db")
    return URL.create("sqlite+pysqlite", database=path).render_as_string(hide_password=False)


def prepare() -> str:
    """Return the address of the store that the environment names. The local one is made if there is none.

    If the local store was moved, its paths are corrected.

    Raises:
        UnrollError: The database of the local store is damaged.
    """
    set_environment()
    if server := outbox.server():
        return server
    store = outbox.root()
    store.mkdir(mode=0o755, parents=True, exist_ok=True)
    database = store / "mlflow.db"
    if not database.exists():
        with FileLock(store / ".mlflow.lock"):
            if not database.exists():
                _create(database)
    if previous := correct_paths():
        logger.info("mlflow: the paths of artifacts were those of %s, and are those of this folder now", previous)
    return address()


def connect(uri: str) -> None:
    """Let MLflow log to a store. It would also set MLFLOW_TRACKING_URI, which is the choice of the user."""
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    if before is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)


def correct_paths() -> str | None:
    """Make the paths of artifacts those of the present folder, if the repository was moved or copied.

    Returns:
        The previous folder of the artifacts; None if the paths were right.

    Raises:
        UnrollError: The database is damaged.
    """
    store = outbox.root()
    with FileLock(store / ".mlflow.lock"), _connect(store / "mlflow.db") as connection:
        return relocate(connection, outbox.EXPERIMENT, store.as_uri())


@contextmanager
def _connect(database: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(database, timeout=60)
    try:
        with connection:  # one transaction
            yield connection
    except sqlite3.OperationalError as error:
        raise UnrollError(
            f"{database}: cannot be used ({error}); check that the disk is not full or read-only"
        ) from error
    except sqlite3.DatabaseError as error:
        raise UnrollError(f"{database}: damaged ({error}); move it away and run `unroll doctor`") from error
    finally:
        connection.close()


def upgrade() -> None:
    """Upgrade a store that an older MLflow made."""
    command = [sys.executable, "-m", "mlflow", "db", "upgrade", address()]
    with FileLock(outbox.root() / ".mlflow.lock"):
        subprocess.run(command, check=True, capture_output=True, env=os.environ | ENVIRONMENT)


def is_outdated() -> bool:
    """Return whether an older MLflow made the tables of the store.

    Raises:
        UnrollError: The database is damaged.
    """
    from mlflow.store.db import utils

    newest: str = utils._get_latest_schema_revision()  # type: ignore[no-untyped-call]
    with _connect(outbox.root() / "mlflow.db") as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    return found != [(newest,)]


def experiment_id(client: Any, name: str = "") -> str:
    """Return the id of an experiment, which is made if there is none.

    Args:
        client: The MLflow client.
        name: The name of the experiment, by default the one that the environment names.
    """
    from mlflow.exceptions import MlflowException

    name = name or outbox.experiment()
    if (experiment := client.get_experiment_by_name(name)) is not None:
        return str(experiment.experiment_id)
    location = None if outbox.server() else (outbox.root() / "artifacts").as_uri()
    try:
        return str(client.create_experiment(name, artifact_location=location))
    except MlflowException as error:
        # Another process has made it.
        if error.error_code == "RESOURCE_ALREADY_EXISTS" and (found := client.get_experiment_by_name(name)):
            return str(found.experiment_id)
        raise


def _create(database: Path) -> None:
    for stale in database.parent.glob(f".{database.name}.*"):  # of a process that was killed here
        stale.unlink()
    unfinished = database.with_name(f".{database.name}.{os.getpid()}")
    # A process of its own makes the store, so that no connection is open to the file when it is renamed.
    code = "import sys; from unroll.garbage import collect_rarely; from unroll.tracking.store import make_store; "
    code += "collect_rarely(); make_store(*sys.argv[1:])"
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
    client.create_experiment(outbox.EXPERIMENT, artifact_location=location)
    client.search_registered_models(max_results=1)  # this makes the tables of the registry, too
