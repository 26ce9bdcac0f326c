"""The journal of the stage that runs in this process."""

import logging
import os
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from filelock import BaseFileLock, FileLock

from unroll.processor import process_seconds
from unroll.provenance import snapshot
from unroll.tracking import outbox
from unroll.tracking.journal import PRUNED, REPLACED, Journal, begin, complete, finish, identify, now, pending, publish
from unroll.tracking.results import Result

WAKE = 60
"""The seconds between two looks at the process that logs."""
logger = logging.getLogger("unroll")


class Recorder:
    """The journal of the stage that runs in this process, and what the process has spent."""

    def __init__(self, journal: Journal | None) -> None:
        """Continue the rows of a journal, which has some if a killed training goes on; None records nothing."""
        self.journal, rows = journal, journal.rows() if journal else []
        self.woken = time.monotonic()
        self.known = {(row["step"], name) for row in rows for name in row["values"]}
        self.spent = rows[-1]["spent"] if rows else {"seconds": 0.0, "cpu_seconds": 0.0, "peak_memory_mb": 0.0}

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Append a row. A training that goes on repeats the rows before its checkpoint, which are known."""
        new = {name: value for name, value in values.items() if (step, name) not in self.known}
        if not new or self.journal is None:
            return
        self.known |= {(step, name) for name in new}
        if time.monotonic() - self.woken > WAKE:  # the process that logs may have given up on a server
            self.woken = time.monotonic()
            outbox.wake(self.journal.folder.parent)
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
            "seconds": round(self.spent["seconds"] + process_seconds(), 2),
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
    try:
        folder = outbox.folder()
        _warn(folder)
        journal, lock = _open(folder, result, checkpoints)
        recorder = Recorder(journal)
    except Exception as error:  # whatever it is, the stage can make its result
        _report(error)
        yield Recorder(None)
        return
    try:
        outbox.wake(folder)
        yield recorder
    except BaseException as error:  # a signal raises SystemExit or KeyboardInterrupt
        _abandon(journal, result, recorder, error)
        raise
    else:
        try:
            complete(journal, result, result.tags(), recorder.measure(), time.time())
            if Path.cwd() == outbox.root().parent:  # not a copy for an experiment
                (folder / outbox.SYNC).touch()
        except BaseException as error:
            _abandon(journal, result, recorder, error)
            if journal.folder.is_dir():
                with suppress(OSError):  # the disk may be full
                    (journal.folder / REPLACED).touch()  # the outputs are published, so the training does not go on
            if not isinstance(error, Exception):
                raise
            _report(error)
    finally:
        lock.release()
    outbox.wake(folder)


def _abandon(journal: Journal, result: Result, recorder: Recorder, error: BaseException) -> None:
    """End the journal of a stage that fails. A run is a training, or has a result: other stages leave none."""
    if result.stage != "train":
        journal.remove()
        return
    failed = isinstance(error, Exception)
    try:
        tags = {"unroll.error": str(error)} if failed else {}
        if (journal.folder / PRUNED).exists():
            tags["unroll.pruned"] = "true"
        finish(journal, "FAILED" if failed else "KILLED", tags, recorder.measure(), time.time())
    except Exception as fault:  # the logger sees that the process ended
        _report(fault)


def _report(error: Exception) -> None:
    logger.warning("this run is not tracked (%s); `unroll sync` logs it from its files", error)


def _warn(folder: Path) -> None:
    """Warn of journals that could not be logged."""
    reason = outbox.problem(folder)
    late = [one for one in pending(folder) if time.time() - outbox.started(one.folder) > outbox.LATE] if reason else []
    if late:
        logger.warning(
            "%d results are not in the tracking store yet (%s); they are kept in %s, and `unroll sync` logs them",
            len(late),
            reason,
            folder,
        )


def _open(folder: Path, result: Result, checkpoints: Path | None) -> tuple[Journal, BaseFileLock]:
    """Return the journal of a stage, which is a new one unless a killed training goes on, and its lock."""
    link = checkpoints / "journal" if checkpoints else None
    if link is not None and link.is_file():
        journal = Journal(folder / link.read_text(encoding="utf-8"))
        if (journal.folder / "run.json").is_file() and journal.head["identity"] == identify(result):
            lock = FileLock(journal.folder / "lock")
            lock.acquire()
            (journal.folder / "end.json").unlink(missing_ok=True)
            return journal, lock
        if journal.folder.is_dir():
            (journal.folder / REPLACED).touch()
    journal = begin(folder, result, result.params, psutil.Process().create_time())
    lock = FileLock(journal.folder / "lock")
    lock.acquire()  # before the logger sees the journal, since a journal without a process is that of a killed stage
    snapshot.take(journal.folder / "reproduce", *result.words)
    journal = publish(journal)
    if link is not None:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.write_text(journal.folder.name, encoding="utf-8")
    return journal, lock
