"""The folder of the repository as the workers of a cluster see it."""

import json
import os
import platform
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

import unroll
from unroll.errors import UnrollError
from unroll.pipeline.runner.command import FOLDER, Command
from unroll.pipeline.runner.resources import cores

SUFFIX = ".shared"


def versions() -> dict[str, str]:
    """Return the versions that must be the same on all machines. The CPU and CUDA builds of torch count as the same."""
    return {
        "unroll": unroll.__version__,
        "Python": platform.python_version(),
        "torch": version("torch").split("+")[0],
        "distributed": version("distributed"),
    }


@dataclass(frozen=True)
class Shared:
    """A file in the shared folder that a worker must see before it runs a command."""

    path: Path
    """The file, which also has the threads of a stage on each worker."""
    versions: Mapping[str, str]

    def check(self) -> dict[str, Any]:
        """Check that this worker sees the file, respects its lock, and has the same versions.

        Returns:
            The content of the file.

        Raises:
            UnrollError: It does not.
        """
        here, root = socket.gethostname(), self.path.parents[len(FOLDER.parts)]
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UnrollError(
                f"{root}: a worker on {here} does not see the files of this folder ({error.strerror}); "
                "put it on a file system that all machines mount at the same path"
            ) from None
        own = versions()
        if other := next((name for name in own if own[name] != self.versions[name]), None):
            raise UnrollError(
                f"a worker on {here} has {other} {own[other]}, and this process has {self.versions[other]}; "
                "start the workers in the same environment"
            )
        return dict(content)

    def check_lock(self) -> None:
        """Check that this worker respects a lock that another process holds.

        Raises:
            UnrollError: It does not.
        """
        lock = _lock(self.path)
        try:
            lock.acquire(timeout=0)
            lock.release()
        except Timeout:
            return
        except OSError:  # the file system has no locks
            pass
        raise UnrollError(
            f"{self.path.parents[len(FOLDER.parts)]}: a worker on {socket.gethostname()} does not respect locks of "
            "files in this folder; mount it with locks (`flock` for Lustre, `local_lock=none` for NFS)"
        )


@contextmanager
def share(root: Path) -> Iterator[Shared]:
    """Write the file that the workers must see, lock it, and remove it at the end."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"*{SUFFIX}"):
        with suppress(Timeout), _lock(old).acquire(timeout=0):  # its process was killed
            _remove(old)
    shared = Shared(folder / f"{uuid.uuid4().hex}{SUFFIX}", versions())
    with _lock(shared.path):
        shared.path.write_text(json.dumps({}), encoding="utf-8")
        try:
            yield shared
        finally:
            _remove(shared.path)


def _lock(path: Path) -> FileLock:
    return FileLock(path.with_suffix(".lock"), is_singleton=False)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".lock").unlink(missing_ok=True)


def run_on_worker(function: Callable[[Command], int], command: Command, shared: Shared) -> int:
    """Run a command on a worker, with its share of the cores.

    Args:
        function: Runs the command.
        command: The command.
        shared: The file in the shared folder.

    Returns:
        The exit code.

    Raises:
        UnrollError: This worker does not see the folder, or has other versions. It has joined after the check of all.
    """
    from distributed import get_worker

    shares, worker = shared.check(), get_worker()
    if shares and "UNROLL_THREADS" not in os.environ:
        threads = shares.get(worker.address) or max(1, cores() // worker.state.nthreads)  # it may have joined later
        command = replace(command, variables={"UNROLL_THREADS": str(threads), **command.variables})
    return function(command)


def inspect(shared: Shared) -> dict[str, Any]:
    """Check a worker, and return the cores that it may use."""
    shared.check()
    shared.check_lock()
    affinity = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return {"host": socket.gethostname(), "affinity": affinity, "cores": cores()}


def share_cores(found: Mapping[str, Mapping[str, Any]], slots: Mapping[str, int]) -> dict[str, int]:
    """Return the threads of a stage on each worker: the cores, divided by the stages that run on them at once.

    Args:
        found: The host and the cores of each worker. Workers on a host with the same cores share them.
        slots: The number of stages at once on each worker.

    Returns:
        The number of threads by worker.
    """
    groups: dict[tuple[str, tuple[int, ...]], int] = {}
    for name, place in found.items():
        key = (place["host"], tuple(place["affinity"]))
        groups[key] = groups.get(key, 0) + slots.get(name, 1)
    return {
        name: max(1, place["cores"] // groups[place["host"], tuple(place["affinity"])]) for name, place in found.items()
    }
