"""What Linux says about the processor."""

from pathlib import Path


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
