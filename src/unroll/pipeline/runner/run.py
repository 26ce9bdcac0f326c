"""Run the stages of a pipeline, independent ones at once.

One process talks to DVC: it finds out what changed, restores what the run cache has, and stores what was made. The bare
commands of the stages are the tasks of an executor. `dvc repro` gives the same dvc.lock.
"""

import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from unroll.errors import UnrollError
from unroll.pipeline import attempt
from unroll.pipeline.doctor import repair_rwlock
from unroll.pipeline.durations import Measured
from unroll.pipeline.runner import schedule
from unroll.pipeline.runner.command import FOLDER, FORSAKEN, Command, execute
from unroll.pipeline.runner.display import Display
from unroll.pipeline.runner.repository import Node, Repository, Start
from unroll.pipeline.settings import enumerate_names
from unroll.pipeline.stage import TERMINATED

POLL = 0.5
"""The seconds between two looks at the logs of the running stages."""
ESTIMATE = 1.0
"""The seconds for which an estimate of the time left is used, since it takes time for thousands of stages."""


class ExecutorLostError(UnrollError):
    """What runs the commands is gone, so that the run ends."""


class Admission(Protocol):
    """Says which stages may start."""

    known: Mapping[str, Measured]
    """The measurements of earlier runs."""

    @property
    def jobs(self) -> int:
        """The number of stages at once."""

    def admit(self, node: Node, ready: int) -> dict[str, str] | None:
        """Reserve what a stage needs, and return the variables of its command; return None if it must wait."""

    def release(self, name: str) -> None:
        """Return what a stage has reserved."""


def repro(
    repository: Repository, nodes: dict[str, Node], executor: Executor, resources: Admission, force: bool = False
) -> None:
    """Run stages and all that they depend on.

    If a stage fails, those that depend on it are skipped, and all others run.

    Args:
        repository: The repository.
        nodes: The stages (`Repository.collect`).
        executor: Runs the commands.
        resources: What the stages may use.
        force: Whether all stages run, whatever has changed.

    Raises:
        UnrollError: Stages failed.
        KeyboardInterrupt: The run was interrupted; the stages that ran were ended.
    """
    with _alone(repository.root), _alive(repository.root) as alive, _signals():
        display = Display(len(nodes))
        for line in repair_rwlock(repository.root):
            display.line(line)
        run = _Run(repository, nodes, executor, resources, force, alive, display)
        try:
            run.to_the_end()
        finally:
            alive.unlink(missing_ok=True)  # ends the commands
            run.collect(wait(run.running).done)
            display.close()
            repository.write()
        run.report()
        repository.end()


class _Run:
    def __init__(
        self,
        repository: Repository,
        nodes: dict[str, Node],
        executor: Executor,
        resources: Admission,
        force: bool,
        alive: Path,
        display: Display,
    ) -> None:
        self.repository, self.nodes, self.executor, self.resources = repository, nodes, executor, resources
        self.force, self.alive, self.display = force, alive, display
        self.times = schedule.seconds(nodes, resources.known)
        self.path = schedule.priorities(nodes, self.times)
        self.waiting = {name: len(node.upstream) for name, node in nodes.items()}
        self.users: dict[str, list[str]] = {name: [] for name in nodes}
        for name, node in nodes.items():
            for other in node.upstream:
                self.users[other].append(name)
        self.ready = [name for name, count in self.waiting.items() if not count]
        self.running: dict[Future[int], str] = {}
        self.began: dict[str, float] = {}
        self.ended: set[str] = set()
        self.failed: dict[str, str] = {}
        self.skipped: list[str] = []
        self.lost: ExecutorLostError | None = None
        self.estimate: tuple[float, float | None] = (float("-inf"), None)

    def to_the_end(self) -> None:
        while self.ready or self.running:
            while self._start():
                pass
            self.collect(wait(self.running, timeout=POLL, return_when=FIRST_COMPLETED).done)
            if self.lost:
                raise self.lost
            self.display.update(self._left)

    def collect(self, done: Iterable["Future[int]"]) -> None:
        """Store the results of commands that have ended."""
        for future in done:
            self._finish(self.running.pop(future), future)

    def _start(self) -> bool:
        """Start all stages that can start now, those with the longest path behind them first.

        Returns:
            Whether others can start, since stages needed not run.
        """
        self.ready.sort(key=lambda name: -self.path[name])
        before = len(self.ended)
        for name in list(self.ready):
            variables = self.resources.admit(self.nodes[name], len(self.ready) - 1)
            if variables is None:
                continue
            self.ready.remove(name)
            try:
                start = self.repository.start(name, self.force)
            except (UnrollError, OSError) as error:
                self._fail(name, str(error))
                continue
            if start is not Start.RUNS:
                self._end(name, "is up to date" if start is Start.UNCHANGED else "restored from the run cache")
                continue
            command = Command(name, self.nodes[name].command, self.repository.root, self.alive, variables)
            self.display.begin(name, command.log)
            self.began[name] = time.monotonic()
            try:
                self.running[self.executor.submit(execute, command)] = name
            except ExecutorLostError:
                self.repository.abandon(name)
                raise
        return len(self.ended) > before

    def _finish(self, name: str, future: "Future[int]") -> None:
        try:
            code = future.result()
            if not code:
                self.repository.finish(name)
                self._end(name, "done")
                return
            reason = "was ended" if code == TERMINATED else f"failed (exit code {code})"
        except ExecutorLostError as error:
            self.lost = error
            self.repository.abandon(name)
            return
        except CancelledError:
            reason = "was cancelled"
        except UnrollError as error:
            reason = f"failed: {error}"
        except Exception as error:  # of the executor, whichever it is
            reason = f"failed ({error})"
        self.repository.abandon(name)
        self._fail(name, reason)

    def _end(self, name: str, what: str) -> None:
        self.resources.release(name)
        self.ended.add(name)
        for user in self.users[name]:
            self.waiting[user] -= 1
            if not self.waiting[user]:
                self.ready.append(user)
        self.display.end(name, what, self._left)

    def _fail(self, name: str, reason: str) -> None:
        self.resources.release(name)
        self.failed[name] = reason
        self.display.end(name, reason, self._left)
        lost = list(self.users[name])
        while lost:
            user = lost.pop()
            if user not in self.skipped:
                self.skipped.append(user)
                lost += self.users[user]
                self.display.end(user, f"skipped, since {name} failed", self._left)

    def _left(self) -> float | None:
        """Estimate the seconds until the end, at most once in `ESTIMATE`; None if the time of a stage is unknown."""
        at, seconds = self.estimate
        if (now := time.monotonic()) > at + ESTIMATE:
            self.estimate = at, seconds = now, self._simulate()
        return None if seconds is None else max(0.0, seconds - (now - at))

    def _simulate(self) -> float | None:
        over = self.ended | set(self.failed) | set(self.skipped)
        left, now = {}, time.monotonic()
        for name in self.nodes.keys() - over:
            if (seconds := self.times[name]) is None:
                return None
            left[name] = max(0.0, seconds - (now - self.began[name])) if name in self.began else seconds
        return schedule.simulate(self.nodes, left, over, self.resources.jobs)

    def report(self) -> None:
        """Raise an error if stages failed."""
        if self.failed:
            logs = self.alive.parent.relative_to(self.repository.root)
            skipped = f"; {enumerate_names(self.skipped)} skipped" if self.skipped else ""
            raise UnrollError(f"{enumerate_names(self.failed)} failed{skipped}; the logs are in {logs}")


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Wait until no other run of this repository is active."""
    path = root / ".dvc" / "tmp" / "locks" / "repro.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for another `unroll repro` to end ({path})", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _alive(root: Path) -> Iterator[Path]:
    """Give signs of life in a file, in the folder of the logs, also while DVC computes the hash of a large file."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in (".alive", attempt.SUFFIX):  # of a killed run, as this process is alone; its stages end
        for old in folder.glob(f"*{suffix}"):
            old.unlink(missing_ok=True)
    path = folder / f"{os.getpid()}.alive"
    path.touch()
    over = threading.Event()

    def beat() -> None:
        while not over.wait(FORSAKEN / 10):
            with suppress(OSError):
                os.utime(path)

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield path
    finally:
        over.set()
        path.unlink(missing_ok=True)


@contextmanager
def _signals() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP as an interruption from the keyboard, so that the stages end first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
