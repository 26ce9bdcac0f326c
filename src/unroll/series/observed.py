"""The series that stage clean writes: values with their times and splits, in time order."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from unroll.errors import UnrollError
from unroll.series.forecaster import Floats
from unroll.text import document_table
from unroll.text.series.times import count_steps
from unroll.text.streams import SPLITS


@dataclass(frozen=True)
class ObservedSeries:
    """The values of a series."""

    values: Floats
    """All values (T, d) in float64: the splits train, valid and test in this order. A missing number is NaN."""
    columns: tuple[str, ...]
    """The names (d,) of the columns; `value` for a single one."""
    sizes: tuple[int, int, int]
    """The number of values in each split."""
    gaps: int | None
    """The number of irregular time steps; None if the times are neither dates nor numbers. Values count as evenly
    spaced in any case."""

    @property
    def missing(self) -> dict[str, int]:
        """The number of missing numbers of each column that has some."""
        counts = np.isnan(self.values).sum(0).tolist()
        return {name: count for name, count in zip(self.columns, counts, strict=True) if count}


def read(path: Path) -> ObservedSeries:
    """Read a series.

    Args:
        path: The Parquet file that stage clean wrote.

    Returns:
        The series.

    Raises:
        UnrollError: The file does not hold a series, or its splits do not follow each other in time.
    """
    fields = [field for field in document_table.field_names(path) if document_table.is_value(field)]
    if not fields:
        raise UnrollError(f"{path}: does not hold a series; name a corpus whose format is series")
    table = pa.concat_tables(document_table.read_row_groups(path))
    splits = np.array([SPLITS.index(split) for split in table["split"].to_pylist()])
    if (np.diff(splits) < 0).any():
        raise UnrollError(f"{path}: train, valid and test do not follow each other; set splits.by: position")
    train, valid, test = np.bincount(splits, minlength=len(SPLITS)).tolist()
    return ObservedSeries(
        np.column_stack([table[field].to_numpy() for field in fields]),
        tuple(map(document_table.column_of, fields)),
        (train, valid, test),
        count_gaps(table["time"].to_pylist()),
    )


def count_gaps(times: Sequence[str]) -> int | None:
    """Count the steps between neighbouring times that differ from the most frequent step; equal times are no step.

    Args:
        times: ISO dates (1984-12 or 1984-12-30) or numbers. Dates with the same day of each month, or the last day of
            each month, have steps of months.

    Returns:
        The number of steps that differ, or None if the times are neither dates nor numbers.
    """
    steps = count_steps(times)
    if steps is None:
        return None
    regular = max((count for step, count in steps.items() if step), default=0)
    return sum(steps.values()) - regular
