"""What every stage needs: settings, an exclusive lock, atomic outputs, signals, and errors of one sentence."""

import argparse
import ctypes
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from unroll import environment
from unroll.arithmetic.pins import pin
from unroll.errors import UnrollError
from unroll.params.base import suggest
from unroll.params.load import load
from unroll.pipeline import attempt, durations
from unroll.pipeline.console import set_up_streams
from unroll.printing import escape_lines

TERMINATED = 143
"""The exit code after any signal that ends a stage, 128 + SIGTERM. With 0, DVC would cache half a result."""
REPLACED = ".replaced"
"""The name of a previous output while a new one is put in its place."""
PARENT = "UNROLL_PARENT"
"""The variable with the process that started the command of a stage."""
logger = logging.getLogger("unroll")
_terminating = threading.Event()


def run(main: Callable[..., None], section: str | None = None, follow: Callable[..., bool] | None = None) -> None:
    """Run a stage. The exit code is 0 only if `main` returns.

    A user's error is one sentence on standard error; with --debug it is a traceback.

    Args:
        main: Is called as `main(params, name)`, or `main(params)` without a section.
        section: The attribute of `Root` whose keys are the names, for example `corpora` or `experiments`.
        follow: Is called as `follow(params, name)` before the stage takes its lock. If it returns true, this process
            was a rank above 0 of a training of several ranks, which publishes nothing, and `main` is not called.
    """
    set_up_streams()
    arguments = _arguments(main, section)
    stage = Path(sys.argv[0]).stem
    title = f"{stage} {arguments.name or ''}".strip()
    logging.basicConfig(stream=sys.stderr, format=f"{title}: %(message)s")
    logger.setLevel(logging.INFO)  # of this project only, since libraries log too much
    die_with_parent()
    tune_malloc()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    try:
        attempt.require_parent()
        attempt.replace_others()
        params = load()
        pin(params.arithmetic)
        if section is None:
            with _exclusive_lock(stage), durations.measured():
                main(params)
        else:
            if arguments.name not in (names := getattr(params, section)):
                raise UnrollError(f"params.yaml: there is no {arguments.name}{suggest(arguments.name, names)}")
            if follow is not None and follow(params, arguments.name):
                return
            with _exclusive_lock(f"{stage}-{arguments.name}"), durations.measured():
                main(params, arguments.name)
    except (UnrollError, OSError) as error:  # the sentence of an OSError names the file: a full disk, no permission
        if arguments.debug:
            raise
        sys.exit(escape_lines(f"{title}: {error}"))
    except KeyboardInterrupt:
        sys.exit(130)


def _arguments(main: Callable[..., None], section: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=sys.modules[main.__module__].__doc__)
    parser.add_argument("--debug", action="store_true", help="print a traceback with an error")
    parser.set_defaults(name="")
    if section is not None:
        parser.add_argument("name", help="a key of params.yaml")
    return parser.parse_args()


@contextmanager
def atomic_outputs(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Publish outputs together, and only if they are complete.

    On success each output is put in place by one rename after an fsync, and the environment of this process is recorded
    (`unroll.environment.record`). On a failure none is, and the previous outputs stay.

    Args:
        targets: The files or folders to publish.

    Yields:
        The temporary path of each target, to write to.

    Raises:
        FileNotFoundError: An output was not written.
        UnrollError: Another attempt at this stage has begun.
    """
    folders = []
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        for stale in target.parent.glob(f".unroll-*-{target.name}"):  # of a killed run, whose lock this process holds
            shutil.rmtree(stale, ignore_errors=True)
        folders.append(target.parent / f".unroll-{os.getpid()}-{target.name}")
    try:
        for folder in folders:
            folder.mkdir()
        written = tuple(folder / target.name for folder, target in zip(folders, targets, strict=True))
        yield written
        for path in written:
            if not path.exists():
                raise FileNotFoundError(f"{path.name} was not written")
            _sync(path)
        attempt.require_newest()
        _publish(written, targets)
        environment.record(targets)
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def _publish(written: Sequence[Path], targets: Sequence[Path]) -> None:
    """Rename all written files and folders to their targets. If one fails, the previous outputs are put back."""
    begun: list[tuple[Path, Path]] = []
    try:
        for path, target in zip(written, targets, strict=True):
            begun.append((path, target))
            if target.is_dir() and not target.is_symlink():
                target.rename(path.parent / REPLACED)
            elif os.path.lexists(target):
                try:  # with a link, the output is there at every moment
                    os.link(target, path.parent / REPLACED, follow_symlinks=False)
                except OSError:  # the file system has no hard links, or is full
                    target.rename(path.parent / REPLACED)
            path.rename(target)
            _sync_entry(target.parent)
    except BaseException:
        for path, target in reversed(begun):
            if not path.exists():
                target.rename(path)
            if os.path.lexists(path.parent / REPLACED):
                (path.parent / REPLACED).rename(target)
        raise


def _sync(path: Path) -> None:
    """Flush a file, or all files of a folder, to the disk."""
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())


def _sync_entry(folder: Path) -> None:
    """Flush the entries of a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _exclusive_lock(key: str) -> Iterator[None]:
    """Hold the lock of a stage. A second run of the same stage waits for it."""
    path = Path(".dvc/tmp/locks") / f"{key}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("waiting for another run of the same stage to end (%s)", path)
        lock.acquire()
    try:
        attempt.require_newest()
        yield
    finally:
        lock.release()


def _terminate(number: int, frame: Any) -> None:
    # Only the first signal ends the stage: each thread of a dying parent sends one, and a second exit would interrupt
    # the clean-up of the first. Ignoring signals would not last, since Lightning restores the handlers that it found.
    if not _terminating.is_set():
        _terminating.set()
        raise SystemExit(TERMINATED)


def die_with_parent() -> None:
    """Request SIGTERM when the parent dies. A killed `dvc` would leave its child running beside the next repro.

    The request comes after seconds of imports and changes nothing for a parent that died before it, so the parent is
    compared with that at the start of the command (`stages/run`).

    Raises:
        SystemExit: The parent has died.
    """
    known = os.environ.pop(PARENT, "")  # processes that this one starts have another parent
    parent = int(known) if known.isdecimal() else os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        logger.error("the process that started this stage has ended, so the stage ends, too")
        raise SystemExit(TERMINATED)


def tune_malloc() -> None:
    """Keep freed memory in the process.

    By default glibc returns large arrays to the system, and each training step pays for thousands of page faults. On
    other systems nothing is changed.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD
        libc.mallopt(-2, 64 << 20)  # M_TOP_PAD
