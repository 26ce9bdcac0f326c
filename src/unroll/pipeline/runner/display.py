"""What `unroll repro` shows: the output of the stages, what is done, what runs, and the time that is left."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

SHOWN = 4
"""The number of running stages that the progress bar names."""


def say_time(seconds: float | None) -> str:
    """Return a time such as 0:01:15; `unknown` for None."""
    return "unknown" if seconds is None else str(timedelta(seconds=round(seconds)))


class Display:
    """A progress bar on a terminal, and lines elsewhere."""

    def __init__(self, total: int) -> None:
        """Set the number of stages."""
        stream = sys.stderr
        self.total, self.done = total, 0
        self._running: dict[str, tuple[float, Path, int]] = {}
        self._stack = ExitStack()
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._bar = self._stack.enter_context(_bar(self._console)) if stream.isatty() else None
        self._task = self._bar.add_task("", total=total, running="") if self._bar else None

    def close(self) -> None:
        """Remove the progress bar."""
        self._stack.close()

    def line(self, text: str) -> None:
        """Print a line."""
        self._console.print(text)

    def begin(self, name: str, log: Path) -> None:
        """Say that a stage begins, and follow its log from now on."""
        self._running[name] = (time.monotonic(), log, 0)
        self.line(f"{name}: begins")

    def end(self, name: str, what: str, left: Callable[[], float | None]) -> None:
        """Say how a stage ended.

        Args:
            name: The stage.
            what: The end in a phrase.
            left: Estimates the seconds that are left.
        """
        self.done += 1
        began = self._forward(name)
        taken = "" if began is None else f" after {say_time(time.monotonic() - began)}"
        more = left() if self.done < self.total and began is not None else None
        rest = "" if more is None else f", about {say_time(more)} left"
        self._running.pop(name, None)
        self.line(f"{name}: {what}{taken} ({self.done} of {self.total}{rest})")

    def update(self, left: Callable[[], float | None]) -> None:
        """Print what the running stages have printed, and move the bar."""
        for name in list(self._running):
            self._forward(name)
        if self._bar is None or self._task is None:
            return
        now = time.monotonic()
        names = [f"{name} {say_time(now - began)}" for name, (began, _, _) in self._running.items()]
        others = [f"{len(names) - SHOWN} more"] if len(names) > SHOWN else []
        more = left()
        rest = "" if more is None else f"about {say_time(more)} left  "
        self._bar.update(self._task, completed=self.done, running=rest + ", ".join(names[:SHOWN] + others))

    def _forward(self, name: str) -> float | None:
        """Print the new lines of a log, and return when its stage began."""
        if name not in self._running:
            return None
        began, log, position = self._running[name]
        try:
            with log.open("rb") as file:
                if position > os.fstat(file.fileno()).st_size:  # a worker was lost, and another one began
                    position = 0
                file.seek(position)
                content = file.read()
        except OSError:
            return began
        complete = content[: content.rfind(b"\n") + 1]
        self._running[name] = (began, log, position + len(complete))
        for text in complete.decode("utf-8", "replace").splitlines():
            # A stage begins its messages with its own name, such as `train lstm`; a library does not.
            self.line(text if text.startswith(name.split("@")[0].split("_")[0]) else f"{name}: {text}")
        return began


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.completed:.0f} of {task.total:.0f} stages"),
        BarColumn(30),
        TextColumn("{task.fields[running]}"),
        console=console,
        transient=True,
    )
