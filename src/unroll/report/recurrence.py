"""The section of the page on recurrent networks: gradient flow, spectral radii and gates of all of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from unroll.report import chart
from unroll.report.curves import Points, Rows, points

Diagnostics = Mapping[str, Mapping[str, Any]]
RADIUS = "spectral_radius_"
"""The prefix of the columns of a learning curve that hold spectral radii."""


@dataclass(frozen=True)
class Gate:
    """The values of one gate of a network."""

    model: str
    """The name of the model."""
    layer: int
    """The number of the layer, from 1."""
    name: str
    """The name of the gate."""
    mean: float
    """The mean of its values."""
    shares: Sequence[float]
    """The shares of its values in equal parts of [0, 1]."""


def spectral_radii(curves: Mapping[str, Rows]) -> dict[str, dict[str, Points]]:
    """Return the points (epoch, spectral radius) by model and layer."""
    radii = {}
    for name, rows in curves.items():
        columns = dict.fromkeys(column for row in rows for column in row if column.startswith(RADIUS))
        layers = {column.removeprefix(RADIUS).replace("_", " "): points(rows, column) for column in columns}
        if layers:
            radii[name] = layers
    return radii


def gradient_flows(diagnostics: Diagnostics) -> dict[str, Points]:
    """Return the points (steps back, norm of the gradient of the loss by the state there) by model.

    Norms that are zero or infinite are left out: a logarithmic axis has no place for them.

    Args:
        diagnostics: The diagnostics of each model.

    Returns:
        The points of each model that has any.
    """
    flows = {
        name: [(row["steps"], row["norm"]) for row in entry.get("gradient_flow", []) if _is_positive(row["norm"])]
        for name, entry in diagnostics.items()
    }
    return {name: flow for name, flow in flows.items() if flow}


def _is_positive(norm: Any) -> bool:
    """Return whether a value is a positive number; in a JSON file an infinity is a word."""
    return isinstance(norm, int | float) and math.isfinite(norm) and norm > 0


class RecurrenceSection:
    """The charts of the section; each is empty if there is nothing to show."""

    def __init__(self, curves: Mapping[str, Rows], diagnostics: Diagnostics) -> None:
        """Collect the numbers of all recurrent networks.

        The section has its own colours, since its models are from several groups of the page.

        Args:
            curves: The learning curves, by model.
            diagnostics: The diagnostics, by model.
        """
        self._radii, self._flows = spectral_radii(curves), gradient_flows(diagnostics)
        self.gates = [
            Gate(name, row["layer"], row["gate"], row["mean"], row["shares"])
            for name, entry in diagnostics.items()
            for row in entry.get("gates", [])
        ]
        self.colors = chart.assign_colors(dict.fromkeys([*self._flows, *self._radii]))

    @property
    def flow(self) -> Markup:
        """The norm of d loss_T / d state_{T-k} by k, a line per network."""
        traces = [chart.Trace(name, self.colors[name], flow) for name, flow in self._flows.items()]
        return chart.draw_lines(traces, "steps back, k", "norm of d loss / d state", log_y=True)

    @property
    def radius(self) -> Markup:
        """The spectral radius by epoch, a line per layer."""
        traces = [
            chart.Trace(f"{name} {layer}", self.colors[name], line)
            for name, layers in self._radii.items()
            for layer, line in layers.items()
        ]
        return chart.draw_lines(traces, "epoch", "spectral radius of U")
