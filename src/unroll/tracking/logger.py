"""The process that logs the journals of an outbox to MLflow: python -m unroll.tracking.logger OUTBOX.

A stage starts it, and it outlives the stage. It ends when it had nothing to log for some seconds, or when the store
could not be reached for some minutes; the next stage starts it again.
"""

import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from unroll import environment
from unroll.garbage import collect_rarely
from unroll.params.load import load
from unroll.provenance import snapshot
from unroll.tracking import outbox
from unroll.tracking.journal import Journal, begin, complete, pending, publish
from unroll.tracking.results import Result, results

if TYPE_CHECKING:
    from unroll.tracking.runs import Runs

POLL = 1.0
"""The seconds between two looks at the outbox."""
IDLE = 15.0
"""The seconds without anything to log after which the process ends."""
PATIENCE = 600.0
"""The seconds without a success after which the process ends."""
STOP = "stop"
"""The file in the outbox that asks the process to end."""
FRESH = 60.0
"""The age in seconds up to which the file is obeyed."""
UNPUBLISHED, FORGOTTEN = 3600.0, 30 * 86400.0
"""The ages in seconds at which journals are removed: of a process that was killed before it published its journal, and
of a killed training that did not go on."""
logger = logging.getLogger("unroll")


class Logger:
    """Logs the journals of an outbox. The connection to the store is made when there is something to log."""

    def __init__(self, folder: Path) -> None:
        """Set the outbox."""
        self.folder = folder
        self.runs: Runs | None = None
        self.progressed = False  # in the last `drain`

    def drain(self) -> Iterator[str]:
        """Log what is new in all journals, once over all.

        A journal that cannot be logged is kept, and those of the same model after it wait for it.

        Yields:
            A line for each journal that is logged completely.

        Raises:
            Exception: The store cannot be reached, or refuses a value: the first one, after all journals were tried.
        """
        failed: dict[str, Exception] = {}
        self.progressed = False
        journals = pending(self.folder)
        try:
            self.runs = self.runs or (_connect() if journals else None)
        except Exception as error:
            self._report(error)
            raise
        for journal in journals:
            name = journal.folder.name
            try:
                name = journal.head["name"]
                if name not in failed and self._log(journal):
                    yield f"{name}: {journal.head['stage']} logged"
                    journal.remove()
                self.progressed = self.progressed or name not in failed
            except Exception as error:  # whatever MLflow, its store or the network may raise
                if not journal.folder.is_dir():  # a stage that failed removed it
                    continue
                failed[name] = error
                if _is_down(error):
                    break
        if failed:
            self._report(first := next(iter(failed.values())))
            raise first
        (self.folder / "problem").unlink(missing_ok=True)

    def _log(self, journal: Journal) -> bool:
        from unroll.tracking.entry import Entry

        assert self.runs is not None
        return Entry(self.runs, journal).log()

    def _report(self, error: Exception) -> None:
        """Let stages and `unroll doctor` know why the last attempt failed, and connect again for the next one."""
        self.runs = None
        (self.folder / "problem").write_text(explain(error), encoding="utf-8")

    def known(self) -> set[tuple[str, ...]]:
        """Return what the runs of the store hold: their kind, their name, and the `key` of each result."""
        self.runs = self.runs or _connect()
        found: set[tuple[str, ...]] = set()
        for run in self.runs.search(""):
            tags = run.data.tags
            training, result = key(tags)
            about = (tags.get("unroll.kind", ""), tags.get("unroll.model", ""), training)
            found |= {(*about, ""), (*about, result)} if training else {(*about, result)}
        return found

    def add_missing(self, results: Sequence[Result]) -> Iterator[str]:
        """Make the journals of results that have no run, from their files. DVC restored, skipped or pulled them.

        Yields:
            A line for each result whose files are missing or belong to other params.
        """
        known, waiting = self.known(), {Journal(path).head["name"] for path in outbox.waiting(self.folder)}
        for result in results:
            if result.name in waiting:
                continue  # its journal comes first
            if not result.is_complete():
                yield f"{result.name}: files are missing or belong to other values of params.yaml; run `dvc repro`"
            elif (result.kind, result.name, *key(result.identify())) not in known:
                made_at = result.outputs[0].stat().st_mtime  # how long it took is not known
                # The files do not say what the root of params.yaml was.
                journal = begin(self.folder, result, result.settings, made_at)
                snapshot.take(journal.folder / "reproduce", *result.words)
                made = environment.made(result.outputs[-1 if result.stage == "train" else 0]) or {}
                journal.add_rows(
                    {"time": int(made_at * 1000), **row} for row in (result.read() if result.stage == "train" else [])
                )
                complete(journal, result, result.all_tags(made) | {"unroll.synced": "true"}, {}, made_at)
                publish(journal)

    def serve(self) -> None:
        """Log until there is nothing to log."""
        active = succeeded = time.monotonic()
        pause = POLL
        while time.monotonic() < succeeded + PATIENCE and self.folder.is_dir() and not _is_asked_to_stop(self.folder):
            try:
                for line in self.drain():
                    logger.info("%s", line)
                    active = time.monotonic()
                if time.monotonic() > active + IDLE:
                    if not self._add_requested():
                        break
                    active = time.monotonic()
                succeeded, pause = time.monotonic(), POLL
            except Exception as error:
                logger.warning("%s", explain(error))
                pause = min(2 * pause, 30)
                if self.progressed:
                    succeeded = time.monotonic()
            if pending(self.folder):
                active = time.monotonic()
            time.sleep(pause)

    def _add_requested(self) -> bool:
        """Make the journals of results that DVC restored, if a stage of this repository asked for it."""
        request = self.folder / outbox.SYNC
        if not request.exists():
            return False
        for line in self.add_missing(results(load())):
            logger.info("%s", line)
        request.unlink(missing_ok=True)
        return True


def key(tags: Mapping[str, str]) -> tuple[str, str]:
    """Return the hashes that identify a result: of the training, and of the evaluation or another result."""
    return tags.get("unroll.training", ""), tags.get("unroll.evaluation", tags.get("unroll.result", ""))


def _is_asked_to_stop(folder: Path) -> bool:
    """Return whether a `unroll sync` waits. A file that a killed one left has no effect."""
    path = folder / STOP
    return path.exists() and time.time() - path.stat().st_mtime < FRESH


def _is_down(error: Exception) -> bool:
    """Return whether the store itself cannot be used, and not one value only."""
    from mlflow.exceptions import MlflowException

    codes = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_STATE")
    return isinstance(error, MlflowException) and error.error_code not in codes


def explain(error: Exception) -> str:
    """Return the message of an error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def _connect() -> "Runs":
    from unroll.tracking.runs import open_runs

    return open_runs()


def main() -> None:
    """Log until there is nothing to log, unless another process does."""
    collect_rarely()
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    logger.setLevel(logging.INFO)
    folder = Path(sys.argv[1])
    os.nice(10)  # a training comes first
    for pattern, age in (".*/run.json", UNPUBLISHED), ("*/run.json", FORGOTTEN):
        for stale in folder.glob(pattern):
            if time.time() - stale.stat().st_mtime > age and (
                pattern[0] == "." or not Journal(stale.parent).is_pending()
            ):
                Journal(stale.parent).remove()
    while True:
        try:
            with FileLock(folder / "logger.lock", timeout=5):
                Logger(folder).serve()
        except Timeout:
            return
        # A stage may have published a journal just before the lock was free.
        if not pending(folder) or outbox.problem(folder) or _is_asked_to_stop(folder):
            return


if __name__ == "__main__":
    main()
