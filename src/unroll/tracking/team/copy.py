"""Copy the runs of the local store to the server of a team, once each.

A copy that was interrupted goes on where it stopped (`unroll.tracking.team.transfer`).
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock

from unroll.errors import UnrollError
from unroll.tracking import store
from unroll.tracking.team.refusal import explain, without_password
from unroll.tracking.team.transfer import PARENT, STATE, UNFINISHED, Transfer, get_if_exists

IN_PROGRESS = ("RUNNING", "SCHEDULED")
SERVERS, DATABASES = ("http", "https"), ("sqlite", "postgresql", "mysql", "mssql")
VARIABLES = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # by default it takes minutes to find that no server is there
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Variables of MLflow whose values a user may choose."""


def copy_local(target: str) -> Iterator[str]:
    """Copy the runs of the store of the repository (`copy`).

    Args:
        target: The tracking URI of the server.

    Yields:
        The lines of `copy`.

    Raises:
        UnrollError: There is no store, or `copy` fails.
    """
    database = _file(store.address())
    if not database.exists():
        raise UnrollError(f"{database}: there is no store, so there are no runs to copy; run `dvc repro` first")
    store.correct_paths()
    yield from copy(store.address(), target)


def copy(source: str, target: str, experiment: str = "unroll") -> Iterator[str]:
    """Copy all runs that have ended and that the target does not have.

    A run that has changed since it was copied, for example by its evaluation, is copied again into the same run.

    Args:
        source: The tracking URI of the local store, a database of sqlite.
        target: The tracking URI of the server.
        experiment: The name of the experiment in both. A server gets it if it has none of this name.

    Yields:
        A line for each run that was copied, and a last line with the numbers of runs.

    Raises:
        UnrollError: The target cannot be reached or refuses a request. The next call goes on.
    """
    if urlsplit(target).scheme.split("+")[0] not in (*SERVERS, *DATABASES):
        raise UnrollError(f"--to {target}: give the address of an MLflow server, for example http://server:5000")
    with _variables(), _exclusive(source):
        import mlflow
        import requests
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield from _copy(source, target, experiment)
        except (mlflow.MlflowException, requests.RequestException, SQLAlchemyError) as error:
            raise UnrollError(f"{explain(error, target)}; then run the same command again, which goes on") from error


def _copy(source: str, target: str, experiment: str) -> Iterator[str]:
    runs = _runs(source, experiment)
    transfer = Transfer(source, target, _experiment(target, experiment, runs))
    there: dict[str, str] = {}
    counts = {"copied": 0, "brought up to date": 0, "there already": 0, "in progress, left for the next time": 0}
    for run in _parents_first(runs):
        # A run in progress has no end yet, and the runs below it refer to it.
        parent = run.data.tags.get(PARENT)
        if run.info.status in IN_PROGRESS or (parent in runs and parent not in there):
            counts["in progress, left for the next time"] += 1
            continue
        copy = transfer.find(run)
        state = UNFINISHED if copy is None else copy.data.tags.get(STATE)
        if copy is not None and state in (None, transfer.state(run)):  # a run without a state was logged there directly
            there[run.info.run_id] = copy.info.run_id
            counts["there already"] += 1
            continue
        there[run.info.run_id] = transfer.transfer(run, copy, there)
        done = "copied" if state == UNFINISHED else "brought up to date"
        counts[done] += 1
        yield f"{run.info.run_name}: {done}"
    yield "runs: " + "; ".join(f"{number} {words}" for words, number in counts.items() if number or words == "copied")


def _runs(source: str, name: str) -> dict[str, Any]:
    """Return the runs of an experiment by id, the oldest first."""
    import mlflow

    client = mlflow.MlflowClient(source)
    if (experiment := client.get_experiment_by_name(name)) is None:
        raise UnrollError(f"{without_password(source)}: has no experiment {name}; run `unroll doctor`")
    found: dict[str, Any] = {}
    token = None
    while True:
        page = client.search_runs(
            [experiment.experiment_id], order_by=["attributes.start_time ASC"], max_results=1000, page_token=token
        )
        found.update({run.info.run_id: run for run in page})
        if not (token := page.token):
            return found


def _parents_first(runs: Mapping[str, Any]) -> list[Any]:
    """Return runs in an order in which the parent of a run comes before it."""
    ordered: dict[str, Any] = {}
    for run in runs.values():
        line = []
        while run is not None and run.info.run_id not in ordered and run not in line:
            line.append(run)
            run = runs.get(run.data.tags.get(PARENT, ""))
        ordered.update({run.info.run_id: run for run in reversed(line)})
    return list(ordered.values())


def _experiment(target: str, name: str, runs: Mapping[str, Any]) -> str:
    """Return the id of the experiment of the target; a server gets one if there is none."""
    import mlflow

    client = mlflow.MlflowClient(target)
    found = client.get_experiment_by_name(name)
    if found is None and urlsplit(target).scheme not in SERVERS:  # artifacts would go to the working directory
        raise UnrollError(f"{without_password(target)}: has no experiment {name}; give the address of a server")
    if found is None:
        try:
            return str(client.create_experiment(name))
        except mlflow.MlflowException:
            found = client.get_experiment_by_name(name)  # another copy may have made it just now
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise UnrollError(
            f"{without_password(target)}: the experiment {name} is deleted; restore it with `mlflow experiments "
            f"restore --experiment-id {found.experiment_id}`"
        )
    # An id of MLflow occurs in one store only, and in its copies.
    if any(get_if_exists(client.get_run, run) is not None for run in list(runs)[:1]):
        raise UnrollError(f"{without_password(target)}: is the store that has the runs already; give another one")
    return str(found.experiment_id)


@contextmanager
def _variables() -> Iterator[None]:
    """Set the environment variables that MLflow reads while runs are copied."""
    store._accept_percent_signs()
    before = dict(os.environ)
    values = VARIABLES | {key: before[key] for key in VARIABLES if key in before} | store.ENVIRONMENT
    os.environ.update(values)
    connections = logging.getLogger("urllib3.connectionpool")
    level = connections.level
    connections.setLevel(logging.ERROR)  # it warns of every retry
    try:
        yield
    finally:
        connections.setLevel(level)
        for key in values:
            if key in before:
                os.environ[key] = before[key]
            else:
                del os.environ[key]


@contextmanager
def _exclusive(source: str) -> Iterator[None]:
    """Let one process at a time copy from a store. Two would make the same run twice."""
    with FileLock(_file(source).with_name(".unroll-copy.lock")):
        yield


def _file(uri: str) -> Path:
    """Return the file of a database of sqlite."""
    from sqlalchemy import make_url

    return Path(make_url(uri).database or "").absolute()
