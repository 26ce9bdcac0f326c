"""Where the commands of the stages run."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def this_machine(jobs: int) -> Iterator[Executor]:
    """Run commands as processes of this machine.

    Args:
        jobs: The maximum number of commands at once.

    Yields:
        The executor. Its threads wait for the processes.
    """
    with ThreadPoolExecutor(jobs, "stage") as executor:
        yield executor
