"""The trials of a sweep, kept in a file: whatever is killed, the sweep goes on from there.

sweep.json      the space, and the commit and the changes that every point begins from
trials.jsonl    a line when a trial begins, and one when it ends
lock            locked by the process that runs the sweep
logs/           the output of each point
points/         the work trees that the points run in
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from unroll.errors import UnrollError

FOLDER = Path(".dvc/tmp/sweeps")
"""The folder of all sweeps, each named after its sweep. Git ignores it."""
State = Literal["running", "finished", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One point of the space, and what became of it."""

    number: int
    """Counted from 1."""
    experiment: str
    """The name of its experiment of DVC."""
    params: dict[str, Any]
    """The value of each key of the space."""
    state: State
    place: int
    """The number of the work tree that it runs in."""
    value: float | None = None
    """The metric of a finished trial."""
    reason: str = ""
    """Why it failed."""
    observed: dict[int, float] = field(default_factory=dict)
    """The validation loss by epoch, as far as the pruner needed it."""
    seconds: float = 0.0
    """How long it ran."""

    def ended(self, state: State, **values: Any) -> "Trial":
        """Return the trial at its end."""
        return replace(self, state=state, **values)


class Trials:
    """The file of the trials of one sweep."""

    def __init__(self, folder: Path) -> None:
        """Read the file, if there is one. A line that a kill or a full disk left unfinished is left out."""
        self.path = folder / "trials.jsonl"
        self._trials: dict[int, Trial] = {}
        for line in self.path.read_text(encoding="utf-8").split("\n") if self.path.exists() else []:
            with suppress(ValueError, KeyError):
                values = json.loads(line)
                observed = {int(epoch): loss for epoch, loss in values.pop("observed").items()}
                self._trials[values["number"]] = Trial(**values, observed=observed)

    def __iter__(self) -> Iterator[Trial]:
        """Iterate over the trials by number."""
        return iter(sorted(self._trials.values(), key=lambda trial: trial.number))

    def __len__(self) -> int:
        """Return the number of trials that have begun."""
        return len(self._trials)

    def write(self, trial: Trial) -> None:
        """Add a trial, or replace what is known of it. It is on the disk when this returns.

        Args:
            trial: The trial.

        Raises:
            UnrollError: The disk is full, or the file cannot be written.
        """
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"\n{json.dumps(asdict(trial))}\n")  # the line before may be unfinished
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UnrollError(
                f"{self.path}: cannot be written ({error.strerror}); the same command goes on with the sweep afterwards"
            ) from error
        self._trials[trial.number] = trial

    def count(self, state: State) -> int:
        """Return the number of trials in a state."""
        return sum(trial.state == state for trial in self._trials.values())


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a sweep.

    Args:
        folder: The folder of the sweep, which is made.

    Yields:
        Nothing.

    Raises:
        UnrollError: Another process runs the sweep.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout:
        raise UnrollError(
            f"another process runs the sweep {folder.name}; wait for its end, or give another --name"
        ) from None
