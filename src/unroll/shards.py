"""Shards: parts of the data that are processed independently, by several processes or machines if there are any.

The borders of shards depend on the data alone, and their results are used in the order of the shards. So the outputs do
not depend on the number of workers. Without workers, or with one shard, the same functions run in this process.

Two variables of the environment say who works on shards: `UNROLL_SCHEDULER` is the address
of a scheduler of dask, whose workers share the folder of the pipeline, and `UNROLL_WORKERS` is a number of processes.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, Protocol, TypeVar

from unroll.errors import UnrollError

Shard = TypeVar("Shard")
Result = TypeVar("Result")
WORKERS, SCHEDULER = "UNROLL_WORKERS", "UNROLL_SCHEDULER"
ATTEMPTS = 3
"""How often a shard is processed if its worker is killed each time. Then it is the shard that is too large."""
IN_FLIGHT = 2
"""The number of shards per worker that wait, run, or have a result that is not used yet. It bounds the memory."""
CONNECT_SECONDS = 30
"""How long a scheduler may take to answer."""


@contextmanager
def map_shards(function: Callable[[Shard], Result], shards: Iterable[Shard]) -> Generator[Iterator[Result]]:
    """Apply a function to each shard.

    Args:
        function: A function of a module, or a `partial` of one, so that another process can import it. It runs again
            if its worker is killed, so it either returns a result or replaces whole files.
        shards: The shards. They are read as they are needed.

    Yields:
        An iterator over the results, in the order of the shards. The workers end with the `with` statement.

    Raises:
        UnrollError: `UNROLL_WORKERS` is not a number, the scheduler cannot be reached, or a shard kills its workers.
    """
    shards = iter(shards)
    first = list(islice(shards, 2))
    engine = _start_engine() if len(first) > 1 else None
    if engine is None:
        yield map(function, chain(first, shards))
        return
    try:
        yield _results(engine, function, chain(first, shards))
    finally:
        engine.close()


class _Engine(Protocol):
    """Runs functions on workers."""

    limit: int
    """The number of shards that are submitted ahead of the one whose result is used."""
    lost: tuple[type[BaseException], ...]
    """The exceptions that say that a worker was lost, and not that the function failed."""

    def submit(self, function: Callable[[Shard], Result], shard: Shard) -> "Future[Result]":
        """Start the function on a worker."""

    def recover(self) -> None:
        """Replace workers that were killed, or raise an error if that is not possible."""

    def close(self) -> None:
        """End the workers, or leave them, without waiting for what they do."""


def _start_engine() -> _Engine | None:
    """Return the engine that the environment names; None if this process does the work."""
    if address := os.environ.get(SCHEDULER):
        return _Cluster(address)
    return _Processes(workers) if (workers := count_workers()) > 1 else None


def count_workers() -> int:
    """Return the number of processes that work on shards: `UNROLL_WORKERS`, or else 1.

    Raises:
        UnrollError: `UNROLL_WORKERS` is not a positive number.
    """
    value = os.environ.get(WORKERS, "1")
    if not value.isdecimal() or not int(value):
        raise UnrollError(f"{WORKERS} is {value!r}; set it to a number of processes, for example 2")
    return int(value)


def _results(engine: _Engine, function: Callable[[Shard], Result], shards: Iterable[Shard]) -> Iterator[Result]:
    waiting: deque[tuple[Shard, Future[Result]]] = deque()
    for shard in shards:
        waiting.append((shard, engine.submit(function, shard)))
        if len(waiting) >= engine.limit:
            yield _first_result(engine, function, waiting)
    while waiting:
        yield _first_result(engine, function, waiting)


def _first_result(
    engine: _Engine, function: Callable[[Shard], Result], waiting: "deque[tuple[Shard, Future[Result]]]"
) -> Result:
    """Remove the first shard and return its result. All shards that a killed worker has lost are submitted again."""
    for _ in range(ATTEMPTS):
        try:
            result = waiting[0][1].result()
            waiting.popleft()
            return result
        except engine.lost:
            engine.recover()
            for position, (shard, future) in enumerate(waiting):
                if not future.done() or future.cancelled() or isinstance(future.exception(), engine.lost):
                    waiting[position] = shard, engine.submit(function, shard)
    raise UnrollError(
        f"a worker was killed {ATTEMPTS} times while it processed the same part of the data, probably because the "
        f"memory is full; use fewer workers ({WORKERS}, or -j of `unroll repro`), or a machine with more memory"
    )


class _Processes:
    """Processes on this machine, which inherit the environment and so the arithmetic. They end with this process."""

    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def __init__(self, workers: int) -> None:
        from multiprocessing import active_children  # most stages need no other process, and this takes a while

        self.workers, self.limit = workers, IN_FLIGHT * workers
        self._others = set(active_children())
        self._executor = self._start()

    def _start(self) -> Executor:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        # Forked processes would copy the locks of other threads. Spawned ones import what their functions need.
        return ProcessPoolExecutor(self.workers, get_context("spawn"), initializer=_start_worker)

    def submit(self, function: Callable[[Shard], Result], shard: Shard) -> "Future[Result]":
        try:
            return self._executor.submit(function, shard)
        except BrokenExecutor as error:  # a worker was killed while the results of earlier shards were used
            failed: Future[Result] = Future()
            failed.set_exception(error)
            return failed

    def recover(self) -> None:
        self.close()
        self._executor = self._start()

    def close(self) -> None:
        from multiprocessing import active_children

        self._executor.shutdown(wait=False, cancel_futures=True)
        own = [process for process in active_children() if process not in self._others]
        for process in own:  # they write to temporary files only
            process.kill()
        for process in own:
            process.join()


def _start_worker() -> None:
    """Prepare a process for its work: one thread, no answer to Ctrl-C, which the parent answers, and a common end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ |= {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "RAYON")}
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _Cluster:
    """The workers of a scheduler of dask, which gives the shards of a lost worker to others."""

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ImportError:
            raise UnrollError(
                f"{SCHEDULER} is set, but dask is not installed; install it with `pip install 'unroll[cluster]'`"
            ) from None
        connect: Any = distributed.Client  # it has no types
        self._address = address
        self.lost: tuple[type[BaseException], ...] = (distributed.KilledWorker, CancelledError)
        try:
            self._client = connect(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UnrollError(f"the scheduler {address} cannot be reached ({error}); check that it runs") from None
        self._executor = self._client.get_executor(pure=False)  # results may be large, so none is kept
        self.limit = IN_FLIGHT * max(1, sum(self._client.nthreads().values()))

    def submit(self, function: Callable[[Shard], Result], shard: Shard) -> "Future[Result]":
        return self._executor.submit(function, shard)

    def recover(self) -> None:
        raise UnrollError(
            f"the scheduler {self._address} is gone, or several workers were lost while they processed the same part "
            "of the data, probably because their memory is full; start it again, or give each worker more memory"
        )

    def close(self) -> None:
        self._executor.shutdown(wait=False)
        self._client.close()
