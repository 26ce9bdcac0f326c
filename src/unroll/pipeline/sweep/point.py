"""One point of a sweep, in a process of its own: python -m unroll.pipeline.sweep.point, in the work tree of the point.

The process reads its task from standard input. It runs the stages by `dvc repro`, saves an experiment by
`dvc exp save`, and pushes that to the repository of the user. Only the commands of DVC are used.
"""

import csv
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

from unroll.errors import UnrollError
from unroll.params.overlay import assign_in_file
from unroll.pipeline.clone import git, without_dvc
from unroll.pipeline.stage import TERMINATED, die_with_parent
from unroll.pipeline.sweep import places
from unroll.tracking.journal import write_json

STOP, OUTCOME = Path(".dvc/tmp/stop"), Path(".dvc/tmp/outcome.json")
"""The file that asks a point to end, and the file with what became of it."""
ARGUMENTS = Path(".dvc/tmp/repro.dat")
"""The file in which DVC keeps the arguments of an experiment."""
POLL = 0.5
"""The seconds between two looks at the file that asks a point to end."""
ATTEMPTS = 2
"""How often a point runs if it is killed: the system kills processes when memory runs out."""
KILLED = re.compile(r"exited with -(\d+)")
"""What DVC prints of a stage that a signal ended."""
Task = Mapping[str, Any]
"""root: the work tree; origin: the repository; log: the file for the output; experiment: its name; base: see
`places.Base`; targets: the stages; values: the values of params.yaml by path; metric: see `space.Metric`."""


def run(task: Task) -> dict[str, Any]:
    """Run a point in a process, again if it is killed. An executor calls this, maybe on another machine.

    Args:
        task: What to do.

    Returns:
        {"state": "finished", "value": the metric}, {"state": "stopped"}, or {"state": "failed", "reason": a sentence},
        each with the seconds that it took.
    """
    root, log, start = Path(task["root"]), Path(task["log"]), time.monotonic()
    outcome: dict[str, Any] = {}
    for _ in range(ATTEMPTS):
        (root / OUTCOME).unlink(missing_ok=True)
        with log.open("ab") as output:
            begin = output.tell()
            code = subprocess.run(
                [sys.executable, "-m", "unroll.pipeline.sweep.point"],
                cwd=root,
                env=_environment(task),
                input=json.dumps(task).encode(),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the head, which stops the points
                check=False,
            ).returncode
        text = log.read_bytes()[begin:].decode("utf-8", errors="replace")
        if (root / OUTCOME).is_file():
            outcome = json.loads((root / OUTCOME).read_text(encoding="utf-8"))
        elif code == TERMINATED or (root / STOP).exists():
            outcome = {"state": "stopped"}
        else:
            outcome = {"state": "failed", "reason": _reason(text) if code >= 0 else f"was killed by signal {-code}"}
        if outcome["state"] != "failed" or not (code < 0 or KILLED.search(text)):
            break
    return outcome | {"seconds": round(time.monotonic() - start, 2)}


def _environment(task: Task) -> dict[str, str]:
    """Return the environment of a point. DVC_ROOT is the repository, so that its MLflow store has the runs."""
    variables = without_dvc()
    variables["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), variables.get("PATH", os.defpath)])
    return variables | {
        "DVC_ROOT": task["origin"],
        "DVC_EXP_NAME": task["experiment"],
        "DVC_EXP_BASELINE_REV": task["base"]["commit"],
        "DVC_NO_ANALYTICS": "1",
    }


def _reason(text: str) -> str:
    """Return the last line of the output before the errors of DVC, which only name the stage."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("ERROR:", "Running stage", ">", "Stage '"))]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (said or errors or ["it printed nothing"])[-1][:300]


class Point:
    """The point of this process."""

    def __init__(self, task: Task) -> None:
        """Set the task."""
        self.task, self.stopped = task, False

    def run(self) -> int:
        """Run the point, and return the exit code."""
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        die_with_parent()
        with FileLock(".dvc/tmp/point.lock"):  # a point of a killed head ends first
            threading.Thread(target=self._watch, daemon=True).start()
            places.reset(Path(), self.task["base"])
            assign_in_file(Path("params.yaml"), self.task["values"])
            targets = self.task["targets"]
            if code := self._dvc("repro", *targets):
                return TERMINATED if self.stopped else code
            new = git(Path(), "ls-files", "-z", "--others", "--exclude-standard").split("\0")
            included = [word for path in new if path for word in ("--include-untracked", path)]
            name = self.task["experiment"]
            if code := self._dvc("exp", "save", "--force", "--name", name, *included, *targets):
                return TERMINATED if self.stopped else code
            reference = places.experiments()[name]
            commit = _without_arguments(reference, self.task["base"]["commit"])
            git(Path(), "push", "--quiet", "--", self.task["origin"], f"+{commit}:{reference}")
            write_json(OUTCOME, {"state": "finished", "value": read_metric(**self.task["metric"])})
        return 0

    def _dvc(self, *arguments: str) -> int:
        """Run a command of DVC in this process, which saves the start of another one."""
        from dvc.cli import main

        return TERMINATED if self.stopped else int(main([*arguments]))

    def _stop(self) -> None:
        """End the stage that runs; no other one begins."""
        self.stopped = True
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.terminate()

    def _watch(self) -> None:
        """Stop the point when it is asked to end, also the stage that DVC began at the same time."""
        while True:
            if self.stopped or STOP.exists():
                self._stop()
            time.sleep(POLL)


def _without_arguments(reference: str, parent: str) -> str:
    """Return a commit like that of an experiment, without the pickle with paths that `dvc exp save` leaves in it."""
    git(Path(), "read-tree", reference)
    git(Path(), "rm", "--quiet", "--cached", "--ignore-unmatch", "--", str(ARGUMENTS))
    message = git(Path(), "log", "-1", "--format=%B", reference)
    return git(Path(), "commit-tree", git(Path(), "write-tree"), "-p", parent, "-m", message)


def read_metric(file: str, key: str, direction: str) -> float:
    """Return the metric of a point.

    Args:
        file: A file in JSON or CSV.
        key: The key of a number, with dots for nested keys; or a column, whose best value counts.
        direction: minimize or maximize.

    Raises:
        UnrollError: There is no such number, or it is not finite.
    """
    try:
        text = Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise UnrollError(f"{file}: cannot be read ({error.strerror}); correct metric.file of the sweep") from None
    if file.endswith(".csv"):
        column = [row.get(key) for row in csv.DictReader(text.splitlines())]
        values = [number for cell in column if cell and math.isfinite(number := float(cell))]
        if not values:
            raise UnrollError(f"{file}: has no finite number in a column {key}; correct metric.key of the sweep")
        return min(values) if direction == "minimize" else max(values)
    value: Any = json.loads(text)
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnrollError(f"{file}: {key} is {value!r:.80} and no finite number; correct metric.key of the sweep")
    return float(value)


if __name__ == "__main__":
    try:
        sys.exit(Point(json.load(sys.stdin)).run())
    except (UnrollError, OSError) as error:
        sys.exit(f"sweep: {error}")
