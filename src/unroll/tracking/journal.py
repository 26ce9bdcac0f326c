"""What a stage has to log, kept in files: no stage imports MLflow or waits for its store.

A journal is a folder in `mlruns/outbox` of the repository:

    run.json        what is known at the start: kind and name of the result, params, tags, start
    rows.jsonl      rows of metrics, as a training makes them
    reproduce/      what is needed to make the run again (`unroll.provenance.snapshot`)
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
import shutil
import socket
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from unroll.provenance import snapshot
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


def begin(folder: Path, result: Result, start: float) -> Journal:
    """Begin a journal, which the logger does not see before it is published.

    Args:
        folder: The outbox.
        result: What will be logged.
        start: The start of the stage, in seconds since 1970.

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
        "start": int(start * 1000),
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


def complete(journal: Journal, result: Result, tags: Mapping[str, str], spent: Mapping[str, float], end: float) -> None:
    """Copy the files of a result that is finished, and end its journal.

    Args:
        journal: The journal.
        result: What the stage made.
        tags: Tags of the run.
        spent: What the stage has spent (`Recorder.measure`); empty if that is not known.
        end: The end of the stage, in seconds since 1970.
    """
    snapshot.complete(journal.folder / "reproduce", result.outputs)
    for name, path in result.files.items():
        target = journal.folder / "files" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, target) if path.is_dir() else shutil.copyfile(path, target)
    journal.add_rows({"time": int(end * 1000), **row} for row in result.rows())
    finish(journal, "FINISHED", tags, spent, end, result.evaluations())


def finish(
    journal: Journal,
    status: str,
    tags: Mapping[str, str],
    spent: Mapping[str, float],
    end: float,
    evaluations: Mapping[str, str] | None = None,
) -> None:
    """Write how a stage ended.

    Args:
        journal: Its journal.
        status: FINISHED, FAILED or KILLED, as MLflow has it.
        tags: Tags of the run.
        spent: What the stage has spent (`Recorder.measure`); empty if that is not known.
        end: The end of the stage, in seconds since 1970.
        evaluations: The tags `unroll.evaluation` of the models that a report shows, by name.
    """
    values = {"status": status, "time": int(end * 1000), "tags": dict(tags), "spent": dict(spent)}
    write_json(journal.folder / "end.json", values | {"evaluations": dict(evaluations or {})})


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, which is replaced at once."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_text(json.dumps(content, indent=1), encoding="utf-8")
    unfinished.replace(path)


def now() -> int:
    """Return the milliseconds since 1970, as MLflow counts them."""
    return int(time.time() * 1000)
