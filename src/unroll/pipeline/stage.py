"""What every stage needs: parameters, a lock, outputs published whole or not at all, signals, plain errors."""

import argparse
import ctypes
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from unroll.errors import UnrollError
from unroll.params import load
from unroll.params.base import nearest

TERMINATED = 143  # 128 + SIGTERM, whatever ended us from outside: never 0, or DVC would cache half a result
logger = logging.getLogger("unroll")
_terminating = threading.Event()


def run(main: Callable[..., None], section: str | None = None) -> None:
    """Run `main(params, name)` (or `main(params)` without a section) as a stage, with NAME a key of that section.

    Exit code 0 only if main returned; a user's error is one sentence on standard error (with --debug, a traceback).
    """
    arguments = _arguments(main, section)
    stage = Path(sys.argv[0]).stem
    logging.basicConfig(stream=sys.stderr, format=f"{stage} {arguments.name or ''}".strip() + ": %(message)s")
    logger.setLevel(logging.INFO)  # of ours alone: libraries have more to tell than a user wants to know
    _end_with_the_parent()
    keep_freed_memory()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    try:
        params = load()
        _limit_threads(params.threads)
        if section is None:
            with _alone(stage):
                main(params)
        else:
            if arguments.name not in (names := getattr(params, section)):
                raise UnrollError(f"params.yaml: {section} has no {arguments.name}{nearest(arguments.name, names)}")
            with _alone(f"{stage}-{arguments.name}"):
                main(params, arguments.name)
    except UnrollError as error:
        if arguments.debug:
            raise
        sys.exit(f"{stage} {arguments.name or ''}".strip() + f": {error}")
    except OSError as error:  # a full disk, a file without permission: the system's own sentence names them
        if arguments.debug:
            raise
        sys.exit(f"{stage} {arguments.name or ''}".strip() + f": {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _arguments(main: Callable[..., None], section: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=sys.modules[main.__module__].__doc__)
    parser.add_argument("--debug", action="store_true", help="print a traceback with an error")
    parser.set_defaults(name="")
    if section is not None:
        parser.add_argument("name", help=f"a key of `{section}` in params.yaml")
    return parser.parse_args()


@contextmanager
def publish(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Temporary paths to write `targets` (files or folders) to; on success all are put in place, each by one rename
    after an fsync; on any failure none is, and what stood there before stays."""
    folders = []
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        for stale in target.parent.glob(f".unroll-*-{target.name}"):  # of a run that was killed: we hold its lock now
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
        for path, target in zip(written, targets, strict=True):
            if target.is_dir() and not target.is_symlink():
                target.rename(path.parent / "replaced")
            path.rename(target)
            _sync_entry(target.parent)
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def _sync(path: Path) -> None:
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())


def _sync_entry(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(key: str) -> Iterator[None]:
    """One run at a time per stage and name: a second one (an orphan's rival) waits."""
    path = Path(".dvc/tmp/locks") / f"{key}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("waiting for another run of the same stage to end (%s)", path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _terminate(number: int, frame: Any) -> None:
    # Once: a dying parent's threads signal one by one, and a second exit would interrupt the closing of the first.
    # A flag, for Lightning puts the handlers it found back in place, so ignoring the signals would not last.
    if not _terminating.is_set():
        _terminating.set()
        raise SystemExit(TERMINATED)


def _end_with_the_parent() -> None:
    """A killed `dvc` leaves its child running, and the next repro would start a second: ask for SIGTERM instead."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def keep_freed_memory() -> None:
    """glibc gives a freed array back to the system and takes it again, page by page, at every training step: 6,000 page
    faults and a sixth of the time of a step of the default LSTM. Elsewhere nothing is done."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD
        libc.mallopt(-2, 64 << 20)  # M_TOP_PAD


def _limit_threads(threads: int) -> None:
    # Read by BLAS and OpenMP when they load, so before numpy or torch is imported.
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    os.environ["RAYON_NUM_THREADS"] = str(threads)  # the tokenizers library
    # Nor may they take fewer of their own accord: another number is another order of sums.
    os.environ["MKL_DYNAMIC"] = os.environ["OMP_DYNAMIC"] = "FALSE"
