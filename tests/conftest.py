"""Fixtures that several folders share, and the order of all tests."""

import gc
import os
import signal
from collections.abc import Iterator

import pytest

from tests.made_once import open_folder, remove_folder
from tests.trained import unroll, workspace
from unroll.garbage import collect_rarely

__all__ = ["no_tracking_uri", "unroll", "workspace"]

collect_rarely()
# A shell's background job ignores SIGINT, and so would every program that a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_tracking_uri() -> Iterator[None]:
    """Remove the variable that `mlflow.set_tracking_uri` sets, since it chooses the store of the next test."""
    before = os.environ.pop("MLFLOW_TRACKING_URI", None)
    yield
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    if before is not None:
        os.environ["MLFLOW_TRACKING_URI"] = before


def pytest_configure(config: pytest.Config) -> None:
    """Open the folder of what is made once. The workers of pytest-xdist inherit it."""
    if open_folder():
        config.add_cleanup(remove_folder)


def pytest_collection_finish() -> None:
    """Leave what was imported out of all searches for garbage, which would look at it again and again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the pipeline first, and then the other files with slow tests: a long file at the end has one worker only."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path.name != "test_pipeline.py", item.path not in slow))
