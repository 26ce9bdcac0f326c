"""What a stage has to log, kept in files: no stage imports MLflow or waits for its store.

A journal is a folder in `mlruns/outbox` of the repository:

    run.json        what is known at the start: kind and name of the result, params, tags, start
    rows.jsonl      rows of metrics, as a training makes them
    reproduce/      what is needed to make the run again (`unroll.tracking.snapshot`)
    files/          copies of the artifacts, and `model/`, the folder of the model
    end.json        how the stage ended, its duration and its tags
    lock            locked by the stage while it runs
    state.json      what `unroll.tracking.logger` has logged
    replaced        exists if this is a killed training that never goes on

The logger is a process of its own. It logs journals to MLflow in the order of their start, and removes them. Until then
nothing is lost, whether the store is slow, down, or another machine that is not reachable.
"""

import json
import logging
import os
import resource
import shutil
import socket
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from filelock import BaseFileLock, FileLock, Timeout

from unroll.provenance import snapshot
from unroll.tracking import outbox
from unroll.tracking.results import Result, flatten

Row = Mapping[str, Any]
REPLACED = "replaced"
logger = logging.getLogger("unroll")


class Journal:
    """The journal of one stage."""

    def __init__(self, folder: Path) -> None:
        """Set the folder."""
        self.folder = folder

    @property
    def head(self) -> dict[str, Any]:
        """The content of run.json."""
        return dict(json.loads((self.folder / "run.json").read_text(encoding="utf-8")))

    @property
    def snapshot(self) -> dict[str, Any]:
        """The content of reproduce/run.json."""
        path = self.folder / "reproduce" / "run.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    @property
    def end(self) -> dict[str, Any] | None:
        """The content of end.json; None if the stage has not ended, or was killed."""
        path = self.folder / "end.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    @property
    def state(self) -> dict[str, Any]:
        """The content of state.json, empty at first."""
        path = self.folder / "state.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    def set_state(self, **values: Any) -> None:
        """Change some values of state.json."""
        write_json(self.folder / "state.json", self.state | values)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows. An unfinished last line is left out."""
        path = self.folder / "rows.jsonl"
        if not path.exists():
            return []
        *lines, _ = path.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines]

    def add_rows(self, rows: Iterable[Row]) -> None:
        """Append rows: {"time": milliseconds since 1970, "step": ..., "values": {name: value}}."""
        with (self.folder / "rows.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    def is_in_progress(self) -> bool:
        """Return whether the process of the stage lives."""
        try:
            with FileLock(self.folder / "lock", timeout=0):
                return False
        except Timeout:
            return True

    def is_pending(self) -> bool:
        """Return whether there is something to log. A killed training waits without it until it goes on."""
        closed = self.state.get("closed") in ("KILLED", "FAILED")
        return not closed or self.is_replaced() or self.is_in_progress()

    def is_replaced(self) -> bool:
        """Return whether a later training of the model began from nothing, so that this one never goes on."""
        return (self.folder / REPLACED).exists()

    def remove(self) -> None:
        """Remove the journal."""
        shutil.rmtree(self.folder, ignore_errors=True)


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
            finish(journal, status, {"unroll.error": str(error)} if status == "FAILED" else {}, recorder.measure())
        else:
            journal.remove()  # a run is a model or a report, and DVC reports the failed stage
        raise
    else:
        try:
            complete(journal, result, result.tags(), recorder.measure())
            if result.kind == "report" and Path.cwd() == outbox.root().parent:
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
    journal = begin(folder, result)
    lock = FileLock(journal.folder / "lock")
    lock.acquire()  # before the logger sees the journal, since a journal without a process is that of a killed stage
    snapshot.take(journal.folder / "reproduce", *result.words)
    journal = publish(journal)
    if link is not None:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.write_text(journal.folder.name, encoding="utf-8")
    return journal, lock


def begin(folder: Path, result: Result) -> Journal:
    """Begin a journal, which the logger does not see before it is published.

    Args:
        folder: The outbox.
        result: What will be logged.

    Returns:
        The journal.
    """
    identifier = uuid.uuid4().hex
    unfinished = folder / f".{identifier}"
    unfinished.mkdir(parents=True)
    head = {
        "id": identifier,
        "identity": result.identity,
        "data_hash": result.hashes["data_hash"],
        "kind": result.kind,
        "stage": result.stage,
        "name": result.name,
        "params": flatten(result.params),
        "data": str(result.data),
        "root": str(Path.cwd()),
        "start": int(psutil.Process().create_time() * 1000),
        "seeds_of": result.seeds_of,
        "parent": os.environ.get("MLFLOW_RUN_ID", ""),
        "experiment": os.environ.get("DVC_EXP_NAME", ""),
        "baseline": os.environ.get("DVC_EXP_BASELINE_REV", ""),
        "host": socket.gethostname(),
        "user": os.environ.get("USER", ""),
        "dvc": "DVC_STAGE" in os.environ,
    }
    write_json(unfinished / "run.json", head)
    return Journal(unfinished)


def publish(journal: Journal) -> Journal:
    """Let the logger see a journal, and return it in its place."""
    published = Journal(journal.folder.with_name(f"{time.time_ns()}-{journal.head['id']}"))
    journal.folder.rename(published.folder)
    return published


def complete(journal: Journal, result: Result, tags: Mapping[str, str], spent: Mapping[str, float]) -> None:
    """Copy the files of a result that is finished, and end its journal.

    Args:
        journal: The journal.
        result: What the stage made.
        tags: Tags of the run.
        spent: What the stage has spent (`Recorder.measure`); empty if that is not known.
    """
    snapshot.complete(journal.folder / "reproduce", result.outputs)
    for name, path in result.files.items():
        target = journal.folder / "files" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, target) if path.is_dir() else shutil.copyfile(path, target)
    journal.add_rows({"time": now(), **row} for row in result.rows())
    finish(journal, "FINISHED", tags, spent, result.evaluations())


def finish(
    journal: Journal,
    status: str,
    tags: Mapping[str, str],
    spent: Mapping[str, float],
    evaluations: Mapping[str, str] | None = None,
) -> None:
    """Write how a stage ended.

    Args:
        journal: Its journal.
        status: FINISHED, FAILED or KILLED, as MLflow has it.
        tags: Tags of the run.
        spent: What the stage has spent (`Recorder.measure`); empty if that is not known.
        evaluations: The tags `unroll.evaluation` of the models that a report shows, by name.
    """
    end = {"status": status, "time": now(), "tags": dict(tags), "spent": dict(spent)}
    write_json(journal.folder / "end.json", end | {"evaluations": dict(evaluations or {})})


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, which is replaced at once."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(json.dumps(content, indent=1), encoding="utf-8")
    unfinished.replace(path)


def now() -> int:
    """Return the milliseconds since 1970, as MLflow counts them."""
    return int(time.time() * 1000)
