"""What is slow to make and many tests need: the first worker of pytest makes it, and the others take it."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from unroll.tracking import outbox, store
from unroll.tracking.artifacts import relocate

VARIABLE = "TESTS_OF_UNROLL"
"""The environment variable that names the folder, which the workers of pytest inherit."""


def open_folder() -> bool:
    """Make the folder, if there is none. Returns whether this process made it, and so has to remove it."""
    if VARIABLE in os.environ:
        return False
    os.environ[VARIABLE] = tempfile.mkdtemp(prefix="unroll-tests-")
    return True


def remove_folder() -> None:
    shutil.rmtree(os.environ.pop(VARIABLE), ignore_errors=True)


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """The folder of this name; `make` is called with its path once, in one of the workers."""
    folder = Path(os.environ[VARIABLE]) / name
    complete = folder.with_name(f"{name}.complete")
    with FileLock(folder.with_name(f"{name}.lock")):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of an attempt that failed
            make(folder)
            complete.touch()
    return folder


def add_empty_store(place: Path) -> None:
    """Give a folder the tracking store that `unroll doctor` makes. MLflow needs seconds to make its tables."""
    made, mlruns = made_once("store", _make_store), place / "mlruns"
    mlruns.mkdir()
    shutil.copyfile(made / "mlruns" / "mlflow.db", mlruns / "mlflow.db")
    connection = sqlite3.connect(mlruns / "mlflow.db")
    with connection:
        relocate(connection, outbox.EXPERIMENT, mlruns.resolve().as_uri())
    connection.close()


def _make_store(place: Path) -> None:
    place.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(place))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store.prepare()
