"""The journal of the stage that runs in this process."""

import logging
import os
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import BaseFileLock, FileLock

from unroll.provenance import snapshot
from unroll.tracking import outbox
from unroll.tracking.journal import REPLACED, Journal, begin, complete, finish, now, publish
from unroll.tracking.results import Result

logger = logging.getLogger("unroll")


class Recorder:
    """The journal of the stage that runs in this process, and what the process has spent."""

    def __init__(self, journal: Journal | None) -> None:
        """Continue the rows of a journal, which has some if a killed training goes on; None records nothing."""
        self.journal, rows = journal, journal.rows() if journal else []
        self.known = {(row["step"], name) for row in rows for name in row["values"]}
        self.spent = rows[-1]["spent"] if rows else {"seconds": 0.0, "cpu_seconds": 0.0, "peak_memory_mb": 0.0}

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Append a row. A training that goes on repeats the rows before its checkpoint, which are known."""
        new = {name: value for name, value in values.items() if (step, name) not in self.known}
        if not new or self.journal is None:
            return
        self.known |= {(step, name) for name in new}
        try:
            self.journal.add_rows([{"time": now(), "step": step, "values": new, "spent": self.measure()}])
        except OSError as error:  # it must not end a training
            logger.warning("%s: values of step %d are not tracked (%s)", self.journal.folder, step, error)

    def measure(self) -> dict[str, float]:
        """Return the wall-clock and CPU seconds and the peak memory (MB) of this process and of those before it."""
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        unit = 1e6 if os.uname().sysname == "Darwin" else 1e3  # bytes there, kilobytes here
        return {
            "seconds": round(self.spent["seconds"] + time.time() - psutil.Process().create_time(), 2),
            "cpu_seconds": round(self.spent["cpu_seconds"] + cpu, 2),
            "peak_memory_mb": max(self.spent["peak_memory_mb"], round(usages[0].ru_maxrss / unit, 1)),
        }


@contextmanager
def record(result: Result, checkpoints: Path | None = None) -> Iterator[Recorder]:
    """Keep the journal of a stage. Its files are copied when the body has published them.

    A fault of the journal itself, for example a full disk, is a warning: the results of a stage are its outputs.

    Args:
        result: What the stage makes.
        checkpoints: The folder of the checkpoints of a training. If a training of the same params, data and code was
            killed, its journal goes on.

    Yields:
        What records rows.
    """
    folder = outbox.folder()
    try:
        outbox.warn(folder)
        journal, lock = _open(folder, result, checkpoints)
        recorder = Recorder(journal)
    except OSError as error:
        logger.warning("%s: this run is not tracked (%s); `unroll sync` logs it from its files", folder, error)
        yield Recorder(None)
        return
    try:
        outbox.wake(folder)
        yield recorder
    except BaseException as error:  # a signal raises SystemExit or KeyboardInterrupt
        if result.stage == "train":
            status = "FAILED" if isinstance(error, Exception) else "KILLED"
            tags = {"unroll.error": str(error)} if status == "FAILED" else {}
            finish(journal, status, tags, recorder.measure(), time.time())
        else:
            journal.remove()  # a run is a model or a report, and DVC reports the failed stage
        raise
    else:
        try:
            complete(journal, result, result.tags(), recorder.measure(), time.time())
            if Path.cwd() == outbox.root().parent:  # not a copy for an experiment
                (folder / outbox.SYNC).touch()
        except OSError as error:
            logger.warning("%s: this run is not tracked (%s); `unroll sync` logs it from its files", folder, error)
            journal.remove()
    finally:
        lock.release()
    outbox.wake(folder)


def _open(folder: Path, result: Result, checkpoints: Path | None) -> tuple[Journal, BaseFileLock]:
    """Return the journal of a stage, which is a new one unless a killed training goes on, and its lock."""
    link = checkpoints / "journal" if checkpoints else None
    if link is not None and link.is_file():
        journal = Journal(folder / link.read_text(encoding="utf-8"))
        if (journal.folder / "run.json").is_file() and journal.head["identity"] == result.identity:
            lock = FileLock(journal.folder / "lock")
            lock.acquire()
            (journal.folder / "end.json").unlink(missing_ok=True)
            return journal, lock
        if journal.folder.is_dir():
            (journal.folder / REPLACED).touch()
    journal = begin(folder, result, psutil.Process().create_time())
    lock = FileLock(journal.folder / "lock")
    lock.acquire()  # before the logger sees the journal, since a journal without a process is that of a killed stage
    snapshot.take(journal.folder / "reproduce", *result.words)
    journal = publish(journal)
    if link is not None:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.write_text(journal.folder.name, encoding="utf-8")
    return journal, lock
