"""The garbage collector of a process that imports large libraries."""

import atexit
import gc


def collect_rarely() -> None:
    """Let the garbage collector run rarely, and not at the exit of the process.

    The objects of imported libraries stay until the exit. Searches for garbage among them would take up to half of the
    time of a short command.
    """
    gc.set_threshold(100_000, 50, 100)
    atexit.register(gc.freeze)
