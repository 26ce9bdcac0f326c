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
    pruned          exists if a sweep ends this training early

The logger is a process of its own. It logs journals to MLflow in the order of their start, and removes them. Until then
nothing is lost, whether the store is slow, down, or another machine that is not reachable.
"""

import hashlib
import json
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from unroll.fingerprint import code_hash
from unroll.provenance import snapshot
from unroll.tracking import outbox
from unroll.tracking.results import Result, flatten

Row = Mapping[str, Any]
REPLACED, PRUNED = "replaced", "pruned"


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
        """Return the rows. A line that a kill or a full disk left unfinished is left out."""
        path, found = self.folder / "rows.jsonl", []
        for line in path.read_text(encoding="utf-8").split("\n") if path.exists() else []:
            with suppress(ValueError):
                found.append(json.loads(line))
        return found

    def add_rows(self, rows: Iterable[Row]) -> None:
        """Append rows: {"time": milliseconds since 1970, "step": ..., "values": {name: value}}."""
        with (self.folder / "rows.jsonl").open("a", encoding="utf-8") as file:
            # Each line begins with a line break, too, since the line before may be unfinished.
            file.writelines(f"\n{json.dumps(row)}\n" for row in rows)

    def is_in_progress(self) -> bool:
        """Return whether the process of the stage lives."""
        if not self.folder.is_dir():
            return False
        try:
            with FileLock(self.folder / "lock", timeout=0):
                return False
        except Timeout:
            return True

    def is_pending(self) -> bool:
        """Return whether there is something to log. A killed training waits without it until it goes on."""
        try:
            settled = self.state.get("settled") == self._content()
        except ValueError:  # a damaged file, which the attempt to log it reports
            settled = False
        return not settled or self.is_replaced() or self.is_in_progress()

    def settle(self) -> None:
        """Remember that everything of a killed or failed training is logged."""
        self.set_state(settled=self._content())

    def _content(self) -> list[int]:
        """Return what changes when there is something new: the size of the rows, and the time of the end."""
        path = self.folder / "rows.jsonl"
        return [path.stat().st_size if path.exists() else 0, (self.end or {}).get("time", 0)]

    def is_replaced(self) -> bool:
        """Return whether a later training of the model began from nothing, so that this one never goes on."""
        return (self.folder / REPLACED).exists()

    def remove(self) -> None:
        """Remove the journal."""
        shutil.rmtree(self.folder, ignore_errors=True)


def pending(folder: Path) -> list[Journal]:
    """Return the journals of an outbox that have something to log, in the order of their start."""
    return [journal for path in outbox.waiting(folder) if (journal := Journal(path)).is_pending()]


def begin(folder: Path, result: Result, params: Mapping[str, Any], start: float) -> Journal:
    """Begin a journal, which the logger does not see before it is published.

    Args:
        folder: The outbox.
        result: What will be logged.
        params: The params of the run.
        start: The start of the stage, in seconds since 1970.

    Returns:
        The journal.
    """
    identifier = uuid.uuid4().hex
    unfinished = folder / f".{identifier}"
    unfinished.mkdir(parents=True)
    head = {
        "id": identifier,
        "identity": identify(result),
        "data_hash": result.hashes["data_hash"],
        "kind": result.kind,
        "stage": result.stage,
        "name": result.name,
        "params": flatten(params),
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


def identify(result: Result) -> str:
    """Return what must be equal for a killed training to go on in its journal."""
    experiment, torch = os.environ.get("DVC_EXP_NAME", ""), version("torch")
    values = [flatten(result.params), *result.hashes.values(), code_hash(), experiment, torch]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


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
    shutil.rmtree(journal.folder / "files", ignore_errors=True)  # what a kill may have left unfinished
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
    """Write a JSON file, which is replaced at once, also if the machine fails."""
    unfinished = path.with_name(f".{path.name}")
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def now() -> int:
    """Return the milliseconds since 1970, as MLflow counts them."""
    return int(time.time() * 1000)
