"""Work that threads share, so that results do not depend on their number.

With portable arithmetic torch itself has one thread, because it cuts long sums by the number of its threads. What takes
time is cut into tasks by its shape alone, and threads share the tasks. With native arithmetic torch has all threads.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple, TypeVar

import torch

Result = TypeVar("Result")
PARTS = 8
"""The maximum number of tasks that one operation is cut into."""


class _State(threading.local):
    """What a thread is doing."""

    sharing = False
    """Whether it runs a shared task. Such a task does not share its parts again."""


class _Modes(NamedTuple):
    flushing: bool
    gradients: bool
    inference: bool


_state = _State()
_DENORMAL, _ONE = 5e-324, 1.0


class _Sharing:
    """The number of threads that share tasks, None with native arithmetic, and all of them but the caller's."""

    threads: int | None = None
    pool: ThreadPoolExecutor | None = None


def _forget_pool() -> None:
    _Sharing.pool = None


os.register_at_fork(after_in_child=_forget_pool)  # a child process has no threads but one


def start_sharing(threads: int) -> None:
    """Share tasks between this number of threads from now on, and give torch one thread.

    Args:
        threads: The number of threads.
    """
    torch.set_num_threads(1)
    _Sharing.threads, _Sharing.pool = threads, None


def set_threads(threads: int) -> None:
    """Change the number of threads: of those that share tasks, or with native arithmetic of those of torch.

    Args:
        threads: The number of threads.
    """
    if is_portable():
        start_sharing(threads)
    else:
        torch.set_num_threads(threads)


def is_portable() -> bool:
    """Return whether tasks are shared, and so whether arithmetic is portable."""
    return _Sharing.threads is not None


def cut(size: int, smallest: int) -> list[slice]:
    """Cut a dimension into parts, whose number does not depend on that of the threads.

    Args:
        size: The size of the dimension.
        smallest: The size that a part has at least.

    Returns:
        The parts in their order, at most 8.
    """
    count = max(1, min(PARTS, size // smallest))
    return [slice(*pair) for pair in pairwise(size * i // count for i in range(count + 1))]


def share(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """Run tasks, by several threads where arithmetic is portable.

    Args:
        tasks: The tasks. They release the global interpreter lock for most of their time.

    Returns:
        The results of the tasks, in their order.
    """
    threads = 1 if _state.sharing else min(_Sharing.threads or 1, len(tasks))
    if threads <= 1:
        return [task() for task in tasks]
    if _Sharing.pool is None:
        _Sharing.pool = ThreadPoolExecutor((_Sharing.threads or 1) - 1, "share")
    modes = _Modes(is_flushing(), torch.is_grad_enabled(), torch.is_inference_mode_enabled())
    others = [_Sharing.pool.submit(_run, tasks[first::threads], modes) for first in range(1, threads)]
    try:
        own = _run(tasks[::threads], modes)
    finally:
        wait(others)  # after an error, too: they write to what the caller holds
    parts = [own, *(part.result() for part in others)]
    return [parts[i % threads][i // threads] for i in range(len(tasks))]


def _run(tasks: Sequence[Callable[[], Result]], modes: _Modes) -> list[Result]:
    """Run tasks in the modes of the thread that shares them, since a thread of its own has the default modes."""
    before, _state.sharing = _state.sharing, True
    try:
        with (
            flush_denormals(modes.flushing),
            torch.inference_mode(modes.inference),
            torch.set_grad_enabled(modes.gradients),
        ):
            return [task() for task in tasks]
    finally:
        _state.sharing = before


def is_flushing() -> bool:
    """Return whether this thread flushes denormals to zero. torch can set that, but not tell."""
    return _DENORMAL * _ONE == 0


@contextmanager
def flush_denormals(flush: bool = True) -> Iterator[None]:
    """Flush denormals to zero in this thread and in the tasks that it shares: subnormal gradients slow the CPU.

    Args:
        flush: False keeps denormals.
    """
    before = is_flushing()
    if flush != before:
        torch.set_flush_denormal(flush)
    try:
        yield
    finally:
        if is_flushing() != before:
            torch.set_flush_denormal(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread of torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
