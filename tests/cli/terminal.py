"""The command on a pseudo terminal, controlled by keys."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""Code that makes Ctrl-C end the command when the tests run in the background of a shell, which ignores SIGINT."""
START = f"{CTRL_C}; import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from unroll.cli import main; main()"
TIMEOUT = 120.0  # seconds; a busy machine is slow


class Terminal:
    """A context manager of the process, which leads its session, so that Ctrl-C of the terminal reaches it."""

    def __init__(self, folder: Path, *arguments: str, columns: int = 60) -> None:
        self._keys, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.initial_settings = termios.tcgetattr(theirs)
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=os.environ | {"COLUMNS": str(columns)},
            start_new_session=True,
        )
        self._theirs, self.shown = theirs, ""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._keys)
        os.close(self._theirs)

    def press(self, keys: str) -> None:
        os.write(self._keys, keys.encode())

    def wait(self, text: str, again: str = "") -> str:
        """Wait for a text, and return the output since the last wait, up to and including it.

        If there is no output for 5 seconds, `again` is typed: Python loses an interrupt between the output of a prompt
        and the wait for a key.
        """
        deadline = time.monotonic() + TIMEOUT
        while text not in self.shown:
            if select.select([self._keys], [], [], 5)[0]:
                self.shown += os.read(self._keys, 4096).decode("utf-8", "replace")
            else:
                assert time.monotonic() < deadline, f"{text!r} is not in {self.shown!r}"
                self.press(again)
        output, _, self.shown = self.shown.partition(text)
        return output + text

    def end(self) -> int:
        """Wait for the end of the process, and return its exit code."""
        return self.process.wait(TIMEOUT)

    def settings(self) -> list:
        return termios.tcgetattr(self._theirs)
