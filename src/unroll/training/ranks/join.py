"""The processes of a training of several ranks (`training.ranks`), which share the rows of each batch.

Under torchrun or SLURM's srun, every process takes the place that it is given. Otherwise rank 0 starts the others on
its own machine, by its own command. The other ranks end with rank 0, also if it is killed, and rank 0 fails if one of
them ends early. They train only: rank 0 alone writes checkpoints, records the run and publishes the outputs.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from unroll.arithmetic.pins import count_threads
from unroll.errors import UnrollError
from unroll.training.ranks.launcher import FOLDER, RANK, SIZE, STORE, Place, RankLostError, find_place, is_of_launcher

if TYPE_CHECKING:
    from unroll.training.ranks.process_group import Group

LOST = 75
"""The exit code of a rank that ends because another one has ended."""
GRACE = 30
"""The seconds after which the death of a rank ends a process that still waits for it."""
PAUSE = 2
"""The seconds that a rank waits with its error, in which rank 0 can raise the same error, or its end is noticed."""
logger = logging.getLogger("unroll")


@contextmanager
def join(ranks: int, device: str) -> Iterator["Group | None"]:
    """Join the other ranks of a training, and start them if no launcher did.

    Args:
        ranks: The number of ranks, `training.ranks`.
        device: The device of the training, `cpu` or `cuda`.

    Yields:
        The group of the ranks; None if there is only one rank.

    Raises:
        UnrollError: The ranks do not meet, or one of them ends early.
    """
    if ranks == 1:
        yield None
        return
    from unroll.training.ranks.process_group import connect  # torch is imported only where a network is trained

    place = find_place(ranks)
    if place is None:
        with _started(ranks) as place, connect(place, device) as group:
            yield group
    elif place.folder is None:
        with connect(place, device) as group:
            yield group
    else:
        with _following(place, place.folder), connect(place, device) as group:
            yield group


@contextmanager
def _following(place: Place, folder: Path) -> Iterator[None]:
    """Do what a rank does that rank 0 has started: end with it, and leave the errors of both to it."""
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all ranks, but it is rank 0 that ends the others
    (folder / str(place.rank)).touch()
    try:
        yield
    except RankLostError:
        time.sleep(PAUSE)
        sys.exit(LOST)
    except UnrollError as error:
        time.sleep(PAUSE)
        raise UnrollError(f"rank {place.rank}: {error}") from error


def _end_with_parent(folder: Path) -> None:
    """End this process when rank 0 does, whose end closes the pipe, and remove what a killed rank 0 has left."""
    os.read(0, 1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(LOST)


@contextmanager
def _started(ranks: int) -> Iterator[Place]:
    """Start all ranks but rank 0 on this machine, and end them with the training.

    Args:
        ranks: The number of ranks.

    Yields:
        The place of rank 0.

    Raises:
        UnrollError: A rank has ended early.
    """
    with TemporaryDirectory(prefix="unroll-ranks-") as name:
        folder, finished = Path(name), threading.Event()
        others = [_start(rank, ranks, folder) for rank in range(1, ranks)]
        try:
            _wait_until_ready(others, folder)
            threading.Thread(target=_watch, args=(others, finished), daemon=True).start()
            yield Place(0, ranks, 0, ranks, f"file://{folder / STORE}")
            finished.set()
            for other in others:  # whose training is complete, too
                other.wait(GRACE)
        except RankLostError as error:
            finished.set()
            raise UnrollError(_wait_for_failure(others) or str(error)) from error
        finally:
            finished.set()
            for other in others:
                other.kill()
                other.communicate()


def _start(rank: int, ranks: int, folder: Path) -> "subprocess.Popen[bytes]":
    """Start a rank by the command of this process. Its input is a pipe that is open as long as this process lives."""
    environment = {name: value for name, value in os.environ.items() if not is_of_launcher(name)}
    environment |= {RANK: str(rank), SIZE: str(ranks), FOLDER: str(folder)}
    environment["UNROLL_THREADS"] = str(max(1, count_threads() // ranks))
    return subprocess.Popen([sys.executable, *sys.orig_argv[1:]], stdin=subprocess.PIPE, env=environment)


def _wait_until_ready(others: "list[subprocess.Popen[bytes]]", folder: Path) -> None:
    """Wait until the other ranks have loaded their data. Waiting for them in torch would not notice that one ends."""
    while not all((folder / str(rank)).exists() for rank in range(1, len(others) + 1)):
        if failure := _failure(others, running=(None,)):
            raise UnrollError(failure)
        time.sleep(0.02)


def _failure(others: "list[subprocess.Popen[bytes]]", running: tuple[int | None, ...] = (None, 0, LOST)) -> str | None:
    """Return the sentence on the rank that ended early.

    Args:
        others: The ranks from rank 1.
        running: The exit codes of ranks that did not: those that still run, have finished, or followed another one.
    """
    for rank, other in enumerate(others, start=1):
        if other.poll() not in running:
            return (
                f"rank {rank} of {len(others) + 1} ended early (exit code {other.returncode}); if it printed no error, "
                f"it was killed, for example for want of memory; run the stage again to continue from its checkpoint"
            )
    return None


def _wait_for_failure(others: "list[subprocess.Popen[bytes]]") -> str | None:
    """Return the sentence on the rank that ended early. The end of its connection is noticed before its exit code."""
    end = time.monotonic() + PAUSE + 1
    while not (failure := _failure(others)) and time.monotonic() < end:
        time.sleep(0.02)
    return failure


def _watch(others: "list[subprocess.Popen[bytes]]", finished: threading.Event) -> None:
    """End this process after the death of a rank, if its main thread waits for that rank in a library."""
    while not (failure := _failure(others)):
        if finished.wait(1):
            return
    if not finished.wait(GRACE):
        logger.error("%s", failure)
        os._exit(1)
