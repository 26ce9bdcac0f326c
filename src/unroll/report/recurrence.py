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


@dataclass(frozen=True)
class Layer:
    """The activations of one layer of a simple network."""

    model: str
    """The name of the model."""
    layer: int
    """The number of the layer, from 1."""
    radius: float
    """The spectral radius of U."""
    norm: float
    """The spectral norm of U."""
    bound: float
    """The norm times the largest phi'."""
    saturated: float
    """The share of activations with a small phi'."""
    exploded: float
    """The share of activations with a large absolute value."""
    mean: float
    """The mean of phi' as a fraction of its maximum."""
    shares: Sequence[float]
    """The shares of these fractions in equal parts of [0, 1]."""


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
        self.layers = [
            Layer(name, **row) for name, entry in diagnostics.items() for row in entry.get("activations", [])
        ]
        self._reach = {
            name: [(row["first"], row["share"]) for row in entry["attention_reach"]]
            for name, entry in diagnostics.items()
            if "attention_reach" in entry
        }
        self.colors = chart.assign_colors(dict.fromkeys([*self._flows, *self._radii, *self._reach]))

    @property
    def flow(self) -> Markup:
        """The norm of d loss_T / d state_{T-k} by k, a line per network."""
        traces = [chart.Trace(name, self.colors[name], flow) for name, flow in self._flows.items()]
        return chart.draw_lines(traces, "steps back, k", "norm of d loss / d state", log_y=True)

    @property
    def bounds(self) -> Markup:
        """The gradient flow of simple networks of one layer, and the bound of the product of k Jacobians as dots."""
        bounds = {one.model: one.bound for one in self.layers if one.layer == 1}
        deep = {one.model for one in self.layers if one.layer > 1}
        traces = []
        for name, bound in bounds.items():
            if name in deep or name not in self._flows or self._flows[name][0][0] != 0:
                continue
            flow = self._flows[name]
            limit = [(k, flow[0][1] * bound**k) for k, _ in flow if _is_positive(flow[0][1] * bound**k)]
            color = self.colors[name]
            traces += [chart.Trace(name, color, flow), chart.Trace(f"{name}: bound", color, limit, dots=True)]
        return chart.draw_lines(traces, "steps back, k", "norm of d loss / d state", log_y=True)

    @property
    def reach(self) -> Markup:
        """The mean attention of networks with attention to their past by the distance of the state."""
        traces = [chart.Trace(name, self.colors[name], line) for name, line in self._reach.items()]
        return chart.draw_lines(traces, "steps back, first of the group", "share of the attention", log_x=True)

    @property
    def radius(self) -> Markup:
        """The spectral radius by epoch, a line per layer."""
        traces = [
            chart.Trace(f"{name} {layer}", self.colors[name], line)
            for name, layers in self._radii.items()
            for layer, line in layers.items()
        ]
        return chart.draw_lines(traces, "epoch", "spectral radius of U")
