"""A series as stage clean left it: values with their times and splits, in time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from unroll.errors import UnrollError
from unroll.series.forecaster import Floats
from unroll.text import document_table
from unroll.text.splits import SPLITS


@dataclass(frozen=True)
class Observed:
    values: Floats
    """(T,) float64; train, then valid, then test."""
    sizes: tuple[int, int, int]
    """Values in each."""
    gaps: int | None
    """Steps in time that are not the usual one; None where times are no dates or numbers. Values count as evenly
    spaced all the same."""


def read(path: Path) -> Observed:
    """UnrollError if the file holds no series, or one that is not cut by position."""
    if document_table.fields(path) != ("time", "value"):
        raise UnrollError(f"{path}: holds no series; give a corpus whose format is series")
    table = pa.concat_tables(document_table.tables(path))
    splits = np.array([SPLITS.index(split) for split in table["split"].to_pylist()])
    if (np.diff(splits) < 0).any():
        raise UnrollError(f"{path}: train, valid and test do not follow each other; set splits.by: position")
    train, valid, test = np.bincount(splits, minlength=len(SPLITS)).tolist()
    return Observed(table["value"].to_numpy(), (train, valid, test), gaps(table["time"].to_pylist()))


def gaps(times: Sequence[str]) -> int | None:
    """How many steps between neighbouring times (ISO dates, 1984-12 or 1984-12-30, or whole numbers) differ from the
    most frequent one."""
    try:
        found = np.array(times, dtype="datetime64") if "-" in times[0] else np.array([int(time) for time in times])
    except ValueError:
        return None
    steps = Counter(np.diff(found).astype(np.int64).tolist())
    return len(times) - 1 - steps.most_common(1)[0][1] if steps else 0
