"""What the system says about the processor and about this process."""

import time
from pathlib import Path

import psutil


def _age() -> float:
    """Return the seconds since the start of this process.

    On Linux, psutil adds the time from boot to the start of a process to a time of boot in whole seconds. Subtracting
    that again avoids an error of up to a second.
    """
    created = psutil.Process().create_time()
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME) - (created - psutil.boot_time())
    return time.time() - created


_START = time.monotonic() - _age()
"""The start of this process on a clock that nobody sets."""


def process_seconds() -> float:
    """Return the seconds since the start of this process, also if the time of day was set meanwhile."""
    return time.monotonic() - _START


def read_cpuinfo(path: Path) -> dict[str, str]:
    """Read the facts about the first processor.

    Args:
        path: The path of /proc/cpuinfo.

    Returns:
        The facts by name, such as `flags`, the names of the instructions separated by spaces; empty if there is no such
        file, which only Linux has.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in reversed(lines))  # the first fact of a name counts
    return {name.strip(): value.strip() for name, _, value in pairs}
