"""How far a download is: a bar on a terminal, a line now and then elsewhere."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger("unroll")
SECONDS = 10.0  # between two lines


@contextmanager
def bar(name: str, done: int, total: int | None) -> Iterator[Callable[[int], None]]:
    """A function to call with the number of bytes that came; `total` is None if it is not known."""
    if not sys.stderr.isatty():
        yield _lines(name, done, total)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(escape(name), total=total, completed=done)
        yield lambda size: shown.advance(task, size)


def _lines(name: str, done: int, total: int | None) -> Callable[[int], None]:
    last = time.monotonic()

    def advance(size: int) -> None:
        nonlocal done, last
        done += size
        if (now := time.monotonic()) - last >= SECONDS:
            last = now
            logger.info("%s: %.1f MB%s", name, done / 1e6, f" of {total / 1e6:.1f}" if total else "")

    return advance
