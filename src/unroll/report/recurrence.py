"""What curves and evaluations of recurrent networks have to show: numbers for pictures, by the name of the model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Points = list[tuple[float, float]]
Curves = Mapping[str, Sequence[Mapping[str, float]]]
Diagnostics = Mapping[str, Mapping[str, Any]]
RADIUS = "spectral_radius_"


@dataclass(frozen=True)
class Gate:
    model: str
    layer: int
    name: str
    mean: float
    shares: Sequence[float]
    """Of its values in equal parts of [0, 1]."""


def points(rows: Sequence[Mapping[str, float]], column: str) -> Points:
    """(epoch, value) of a column of a learning curve."""
    return [(row["epoch"], row[column]) for row in rows if column in row and math.isfinite(row[column])]


def norms(curves: Curves) -> dict[str, tuple[Points, Points]]:
    """The norm of the gradient before and after clipping, by epoch."""
    found = {name: (points(r, "gradient_norm"), points(r, "gradient_norm_clipped")) for name, r in curves.items()}
    return {name: both for name, both in found.items() if both[0]}


def radii(curves: Curves) -> dict[str, dict[str, Points]]:
    """The spectral radius of each layer, by epoch."""
    found = {}
    for name, rows in curves.items():
        columns = dict.fromkeys(column for row in rows for column in row if column.startswith(RADIUS))
        layers = {column.removeprefix(RADIUS).replace("_", " "): points(rows, column) for column in columns}
        if layers:
            found[name] = layers
    return found


def flows(diagnostics: Diagnostics) -> dict[str, Points]:
    """(steps back, norm of the gradient of the loss by the state there)."""
    found = {
        name: [(row["steps"], row["norm"]) for row in one.get("gradient_flow", []) if _shown(row["norm"])]
        for name, one in diagnostics.items()
    }
    return {name: flow for name, flow in found.items() if flow}


def gates(diagnostics: Diagnostics) -> list[Gate]:
    return [
        Gate(name, row["layer"], row["gate"], row["mean"], row["shares"])
        for name, one in diagnostics.items()
        for row in one.get("gates", [])
    ]


def _shown(norm: Any) -> bool:
    """Whether a logarithmic axis has a place for it; in a file an infinity is a word."""
    return isinstance(norm, int | float) and math.isfinite(norm) and norm > 0
