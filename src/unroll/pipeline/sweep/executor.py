"""Where the points of a sweep run: on this machine, or on the workers of a scheduler."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from unroll.errors import UnrollError


@contextmanager
def open_executor(jobs: int, scheduler: str) -> Iterator[tuple[Executor, int]]:
    """Open the executor of the points, each of which is a process of its own.

    Args:
        jobs: The number of points that run at once on this machine.
        scheduler: The address of a scheduler of dask, whose workers share the folder; empty for this machine.

    Yields:
        The executor, and the number of points that run at once.

    Raises:
        UnrollError: The scheduler cannot be used.
    """
    if not scheduler:
        with ThreadPoolExecutor(jobs, thread_name_prefix="point") as executor:
            yield executor, jobs
        return
    try:
        from distributed import Client
    except ImportError:
        raise UnrollError("--scheduler needs dask; pip install 'unroll[cluster]'") from None
    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise UnrollError(f"--scheduler {scheduler}: cannot be reached ({error}); start it, or correct it") from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise UnrollError(f"--scheduler {scheduler}: has no workers; start some")
        yield client.get_executor(pure=False), threads
