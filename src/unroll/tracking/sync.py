"""Log everything now: the journals of the outbox, and the results that DVC restored, skipped or pulled."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from unroll.errors import UnrollError
from unroll.tracking import outbox
from unroll.tracking.journal import pending
from unroll.tracking.logger import STOP, Logger, explain
from unroll.tracking.results import Result

POLL = 0.5
"""The seconds between two tries to log."""
logger = logging.getLogger("unroll")


def sync(results: Sequence[Result]) -> Iterator[str]:
    """Log the journals of the outbox, and then the results that have no run.

    Args:
        results: The results that should have a run.

    Yields:
        A line for each result that was logged, and for each whose files are missing or belong to other params.

    Raises:
        UnrollError: The store cannot be reached. The journals are kept.
    """
    folder = outbox.folder()
    with _alone(folder):
        logs = Logger(folder)
        try:
            yield from logs.drain()
            yield from dict.fromkeys(logs.add_missing(results))
            while [one for one in pending(folder) if one.end and not one.is_in_progress()]:
                yield from logs.drain()
                time.sleep(POLL)  # until DVC has written the hashes of a stage that has just ended
        except UnrollError:
            raise
        except Exception as error:  # whatever MLflow, its store or the network may raise
            kept = len(outbox.waiting(folder))
            raise UnrollError(
                f"{outbox.server() or folder}: {explain(error)}; {kept} results are kept in {folder}"
            ) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of the process that logs in the background, and let that end first."""
    lock = FileLock(folder / "logger.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("waiting for the process that logs to MLflow in the background")
        try:
            (folder / STOP).touch()
            lock.acquire()
        finally:
            (folder / STOP).unlink(missing_ok=True)
    try:
        yield
    finally:
        lock.release()
        if pending(folder):
            outbox.wake(folder)  # a training in progress is logged while it runs
