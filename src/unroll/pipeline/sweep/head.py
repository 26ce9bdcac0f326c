"""The head of a sweep: it asks for points, lets them run, ends those that are pruned, and keeps what became of them."""

import json
import re
import shutil
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unroll.errors import UnrollError
from unroll.pipeline.sweep import places, point
from unroll.pipeline.sweep.curves import Curves
from unroll.pipeline.sweep.executor import open_executor
from unroll.pipeline.sweep.search import Search
from unroll.pipeline.sweep.space import NoPruner, Space, paths_of
from unroll.pipeline.sweep.trials import FOLDER, Trial, Trials, alone
from unroll.tracking.journal import write_json

POLL = 1.0
"""The seconds between two looks at the curves of the trainings that run."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}[A-Za-z0-9]|[A-Za-z0-9]")
Report = Callable[[Trial, Trials], None]
"""Is called when a trial begins or ends."""


@dataclass
class Running:
    """A trial that runs."""

    trial: Trial
    root: Path
    pruned: bool = False


def sweep(space: Space, name: str, total: int, jobs: int, scheduler: str, report: Report) -> Trials:
    """Run a sweep, or go on with one. The present folder is the root of the repository.

    Args:
        space: What is varied, and how.
        name: The name of the sweep. The experiments are `name-1`, `name-2` and so on.
        total: The number of trials, those of earlier calls included.
        jobs: The number of points that run at once on this machine.
        scheduler: The address of a scheduler of dask; empty for this machine.
        report: Is called when a trial begins or ends.

    Returns:
        The trials.

    Raises:
        UnrollError: The sweep cannot run, or all its trials failed.
    """
    if not NAME.fullmatch(name) or ".." in name:
        raise UnrollError(f"--name {name}: is not a name for experiments; use letters, digits, - and _")
    folder = FOLDER / name
    with alone(folder):
        base, trials = _open(folder, space, name)
        head = Head(folder, base, space, name, trials, report)
        if trials.count("running") or len(trials) < total:
            with open_executor(jobs, scheduler) as (executor, width):
                head.run(executor, width, total)
        shutil.rmtree(folder / "points", ignore_errors=True)
    failed = [trial for trial in trials if trial.state == "failed"]
    if len(failed) == len(trials):
        raise UnrollError(
            f"all {len(failed)} trials failed, the first one because: {failed[0].reason}; "
            f"{folder}/logs has their output"
        )
    return trials


def _open(folder: Path, space: Space, name: str) -> tuple[places.Base, Trials]:
    """Return what the points begin from and the trials so far, of a new sweep or of one that goes on."""
    described, path = space.model_dump(mode="json"), folder / "sweep.json"
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["space"] != described:
            raise UnrollError(
                f"the sweep {name} began with another space; give another --name, or remove {folder} to forget it"
            )
        return places.Base(**known["base"]), Trials(folder)
    taken = [other for other in places.experiments() if re.fullmatch(re.escape(name) + r"-\d+", other)]
    if taken:
        raise UnrollError(
            f"DVC has experiments of this name, such as {taken[0]}; give another --name, or remove them by "
            f"`dvc exp remove {taken[0]}`"
        )
    base = places.take_base(name)
    write_json(path, {"space": described, "base": base.as_json()})
    return base, Trials(folder)


class Head:
    """The head process of a sweep."""

    def __init__(
        self, folder: Path, base: places.Base, space: Space, name: str, trials: Trials, report: Report
    ) -> None:
        """Set the folder of the sweep, what its points begin from, and the trials so far."""
        self.folder, self.base, self.space, self.name = folder, base, space, name
        self.trials, self.report = trials, report
        self.search = Search(name, space, trials)
        self.curves = None if isinstance(space.pruner, NoPruner) else Curves(space.pruner.model)
        self.running: dict[Future[dict[str, Any]], Running] = {}
        (folder / "logs").mkdir(exist_ok=True)

    def run(self, executor: Executor, width: int, total: int) -> None:
        """Run points until there are enough.

        Args:
            executor: What runs the points.
            width: The number of points that run at once.
            total: The number of trials.

        Raises:
            UnrollError: A point cannot begin, or the trials cannot be written.
        """
        # The first points that the search returns are those that ran when the head was killed.
        left = self.trials.count("running") + max(0, total - len(self.trials))
        try:
            while left or self.running:
                while left and len(self.running) < width:
                    self._begin(executor, width)
                    left -= 1
                done, _ = wait(self.running, timeout=POLL if self.curves else None, return_when=FIRST_COMPLETED)
                for future in self.running.keys() - done:
                    self._observe(self.running[future])
                for future in sorted(done, key=lambda one: self.running[one].trial.number):
                    self._end(future)
        finally:
            for one in self.running.values():  # after an error or Ctrl-C; the executor waits for them
                (one.root / point.STOP).touch()

    def _begin(self, executor: Executor, width: int) -> None:
        number, params = self.search.ask()
        before = next((trial for trial in self.trials if trial.number == number), None)
        free = sorted(set(range(width)) - {one.trial.place for one in self.running.values()})
        place = before.place if before and before.place in free else free[0]  # its checkpoint is there
        root = places.make_place(self.folder / "points" / str(place), self.base)
        (root / point.STOP).unlink(missing_ok=True)
        trial = Trial(number, f"{self.name}-{number}", params, "running", place)
        self.trials.write(trial)
        self.report(trial, self.trials)
        task = {
            "root": str(root),
            "origin": str(Path.cwd()),
            "log": str((self.folder / "logs" / f"{number}.log").absolute()),
            "experiment": trial.experiment,
            "base": self.base.as_json(),
            "targets": self.space.targets,
            "values": {path: value for key, value in params.items() for path in paths_of(key)},
            "metric": self.space.metric.model_dump(),
        }
        self.running[executor.submit(point.run, task)] = Running(trial, root)

    def _observe(self, one: Running) -> None:
        """End a training that the pruner ends."""
        if self.curves and not one.pruned and self._is_pruned(one, self.curves.losses(one.trial.experiment)):
            self.curves.mark_pruned(one.trial.experiment)
            (one.root / point.STOP).touch()

    def _is_pruned(self, one: Running, losses: dict[int, float]) -> bool:
        """Pass new validation losses on to the pruner, up to the one at which it ends the training."""
        observed = one.trial.observed
        for epoch in sorted(losses.keys() - observed.keys()):
            observed[epoch] = losses[epoch]
            if self.search.should_prune(one.trial.number, epoch, losses[epoch]):
                one.pruned = True
                return True
        return False

    def _end(self, future: "Future[dict[str, Any]]") -> None:
        one = self.running.pop(future)
        try:
            outcome = future.result()
        except Exception as error:  # whatever the executor raises when the scheduler is lost
            raise UnrollError(
                f"{one.trial.experiment}: cannot run ({type(error).__name__}: {error}); the same command goes on with "
                "the sweep"
            ) from error
        seconds = outcome["seconds"]
        if outcome["state"] == "finished" and self.curves and not one.pruned:
            # What the training measured since the last look counts, too: otherwise the search would depend on time.
            self._is_pruned(one, self.curves.final_losses(one.root))
        if one.pruned:
            trial = one.trial.ended("pruned", seconds=seconds)
        elif outcome["state"] == "finished":
            trial = one.trial.ended("finished", value=outcome["value"], seconds=seconds)
        else:
            trial = one.trial.ended("failed", reason=outcome.get("reason", "was stopped"), seconds=seconds)
        self.search.tell(trial)
        self.trials.write(trial)
        self.report(trial, self.trials)
