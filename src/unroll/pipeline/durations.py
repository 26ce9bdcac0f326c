"""How long each stage took when it ran last, and how much memory it needed: what a plan is estimated from.

The files are in `.dvc/tmp/durations` of the repository, one for each stage. They are no outputs, since no time is the
same twice.
"""

import json
import os
import resource
import statistics
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from unroll.processor import process_seconds

FOLDER = Path(".dvc/tmp/durations")


@dataclass(frozen=True)
class Measured:
    """The last run of a stage that ended well."""

    seconds: float
    """The time from the start of its process to its end."""
    memory: int
    """The peak of its resident memory in bytes."""


@contextmanager
def measured() -> Iterator[None]:
    """Measure a stage, from the start of its process to the end of the block, if the block ends well.

    DVC names the stage in the environment. Nothing is measured without this name.
    """
    yield
    if name := os.environ.get("DVC_STAGE"):
        seconds = process_seconds()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        write(Path(os.environ.get("DVC_ROOT", ".")), name, Measured(seconds, memory))


def write(root: Path, name: str, value: Measured) -> None:
    """Write the measurement of a stage. A disk that is full, or a folder that is read-only, is no error of the stage.

    Args:
        root: The root of the repository.
        name: The name of the stage in DVC.
        value: The measurement.
    """
    path = root / FOLDER / f"{quote(name, safe='@')}.json"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(asdict(value)) + "\n", encoding="utf-8")
        part.replace(path)


def read(root: Path) -> dict[str, Measured]:
    """Return the measurement of each stage that has one. A damaged file counts as none."""
    found = {}
    for path in sorted((root / FOLDER).glob("*.json")):
        with suppress(OSError, ValueError, TypeError):
            value = Measured(**json.loads(path.read_text(encoding="utf-8")))
            found[unquote(path.stem)] = Measured(float(value.seconds), int(value.memory))
    return found


def estimate(name: str, known: Mapping[str, Measured]) -> Measured | None:
    """Estimate the next run of a stage: as its last one, or else as the median of its group (`train` of `train@lstm`).

    Args:
        name: The name of the stage.
        known: The measurements.

    Returns:
        The estimate; None if no stage of its group was measured.
    """
    if name in known:
        return known[name]
    group = [value for other, value in known.items() if other.split("@")[0] == name.split("@")[0]]
    if not group:
        return None
    return Measured(
        statistics.median(value.seconds for value in group), int(statistics.median(value.memory for value in group))
    )
