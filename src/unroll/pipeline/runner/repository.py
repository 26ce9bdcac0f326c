"""The pipeline as DVC sees it: what changed, the run cache, and dvc.lock.

DVC has no public interface for these steps of `dvc repro`, so this module, inspection.py and lock_file.py call its
internals, and no other module does. They are called in the same order as there (`dvc.stage.Stage.run` of DVC 3.67).
tests/pipeline/runner/test_repository.py fails if an upgrade of DVC changes one of them.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from dvc.dependency import ParamsDependency
from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.rwlock import rwlock
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.serialize import to_single_stage_lockfile

from unroll.errors import UnrollError
from unroll.pipeline.runner.lock_file import LOCK, LockFile


class Start(Enum):
    """What happens to a stage whose dependencies are there."""

    UNCHANGED = "unchanged"
    RESTORED = "restored"
    """Its outputs were taken from the run cache of DVC."""
    RUNS = "runs"
    """Its command must run now, and then `finish` or `abandon` be called."""


class Node(NamedTuple):
    """A stage of the pipeline."""

    name: str
    command: str
    upstream: tuple[str, ...]
    """The stages whose outputs it reads."""
    uses_device: bool
    """Whether it depends on the param `device`, and so may need a GPU."""
    outs: tuple[str, ...]
    """The paths of its outputs."""


class Repository:
    """A DVC repository. One thread at a time uses it."""

    def __init__(self, root: Path) -> None:
        """Open a repository.

        Args:
            root: Its root, which must be the working directory.

        Raises:
            UnrollError: It is not a DVC repository.
        """
        self.root = root
        self.stages: dict[str, PipelineStage] = {}
        """The stages that `collect` has collected, as DVC has them."""
        self._held: dict[str, ExitStack] = {}
        self._order: list[str] = []
        self._lock_file = LockFile(root)
        self.locked_seconds = 0.0
        """The time for which this process held the lock of DVC."""
        with _sentences():
            self.dvc = Repo(str(root), _wait_for_lock=True)

    def collect(self, targets: Iterable[str]) -> dict[str, Node]:
        """Collect stages and all that they depend on.

        Args:
            targets: Names of stages or groups, or paths of outputs, as for `dvc repro`; none for the whole pipeline.

        Returns:
            The stages by name, each after those that it depends on, in the order of `dvc repro`.

        Raises:
            UnrollError: DVC cannot read the pipeline, or there is no such target.
        """
        with self.locked():
            chosen = collect_stages(self.dvc, list(targets) or ["dvc.yaml"])
            graph = get_active_graph(self.dvc.index.graph)
            order = [stage for stage in plan_repro(graph, chosen) if isinstance(stage, PipelineStage)]
            self.stages = {stage.addressing: stage for stage in order}
            self._order = [stage.addressing for stage in plan_repro(graph) if isinstance(stage, PipelineStage)]
            return {
                name: Node(
                    name,
                    stage.cmd,
                    tuple(other.addressing for other in graph.successors(stage) if other.addressing in self.stages),
                    any(isinstance(dep, ParamsDependency) and "device" in dep.params for dep in stage.deps),
                    tuple(out.def_path for out in stage.outs),
                )
                for name, stage in self.stages.items()
            }

    def start(self, name: str, force: bool = False) -> Start:
        """Begin with a stage, all of whose dependencies are there.

        If its command must run, its old outputs are removed, and other processes of DVC cannot change its outputs until
        `finish` or `abandon`.

        Args:
            name: The stage.
            force: Whether its command runs in any case.

        Returns:
            What happens to it.

        Raises:
            UnrollError: DVC fails.
        """
        stage = self.stages[name]
        with self.locked():
            if not force and not stage.changed():
                return Start.UNCHANGED
            self._hold(name)
            try:
                stage.remove_outs(ignore_remove=False, force=False)
                if not force:
                    try:
                        self.dvc.stage_cache.restore(stage)
                    except RunCacheNotFoundError:
                        pass
                    else:
                        self._save(name)
                        return Start.RESTORED
                stage.save_deps()
            except BaseException:
                self.abandon(name)
                raise
            return Start.RUNS

    def finish(self, name: str) -> None:
        """Store the outputs of a stage whose command has run in the cache, and its entry for dvc.lock.

        Raises:
            UnrollError: DVC fails, for example since an output is missing or the disk is full.
        """
        with self.locked():
            try:
                self._save(name)
            except BaseException:
                self.abandon(name)
                raise

    def abandon(self, name: str) -> None:
        """Give up a stage whose command has failed: other processes may write its outputs again."""
        if held := self._held.pop(name, None):
            held.close()

    def _save(self, name: str) -> None:
        stage = self.stages[name]
        cached = all(out.use_cache or out.is_metric or out.is_plot for out in stage.outs)
        stage.save(run_cache=cached)
        stage.commit()
        self._lock_file.add(name, to_single_stage_lockfile(stage))
        self.abandon(name)
        self._lock_file.write_if_cheap(self._order)
        self.dvc.scm_context.track_file(LOCK)

    def write(self) -> None:
        """Write the entries of all finished stages to dvc.lock now."""
        with self.locked():
            self._lock_file.write(self._order)

    def end(self) -> None:
        """Say that a run has ended well: dvc.lock has all entries in their order."""
        self.write()
        self._lock_file.end()

    def _hold(self, name: str) -> None:
        """Lock the dependencies and outputs of a stage against other processes of DVC, as `dvc repro` does."""
        stage, repo = self.stages[name], self.dvc
        self._held[name] = stack = ExitStack()
        stack.enter_context(
            rwlock(
                repo.tmp_dir,
                repo.fs,
                " ".join(sys.argv),
                [dep.fs_path for dep in stage.deps],
                [out.fs_path for out in stage.outs],
                repo.config["core"].get("hardlink_lock", False),
            )
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of DVC. It is not held while a command runs."""
        with _sentences():
            before = self.dvc.lock.is_locked
            with lock_repo(self.dvc), self.dvc.scm_context(quiet=True):
                began = time.monotonic()
                yield
            if not before:
                self.locked_seconds += time.monotonic() - began


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn an error of DVC into one sentence."""
    try:
        yield
    except LockError as error:
        raise UnrollError(
            f"another command of DVC uses the same outputs: {_first_line(error)}; run this again"
        ) from None
    except DvcException as error:
        raise UnrollError(_first_line(error)) from None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
