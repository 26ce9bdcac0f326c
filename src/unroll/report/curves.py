"""Learning curves: the tables that stage train writes."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

Points = list[tuple[float, float]]
Rows = Sequence[Mapping[str, float]]
"""The rows of a learning curve."""


def read(path: Path) -> list[dict[str, float]]:
    """Read the CSV file of stage train; a value that was not measured at a step is absent from its row."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]


def points(rows: Rows, column: str) -> Points:
    """Return the points (epoch, value) of a column, without values that are not finite."""
    return [(row["epoch"], row[column]) for row in rows if column in row and math.isfinite(row[column])]


def gradient_norms(curves: Mapping[str, Rows]) -> dict[str, tuple[Points, Points]]:
    """Return the norm of the gradient before and after clipping, for each model that has them."""
    norms = {name: (points(r, "gradient_norm"), points(r, "gradient_norm_clipped")) for name, r in curves.items()}
    return {name: both for name, both in norms.items() if both[0]}
