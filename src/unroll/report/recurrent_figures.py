"""Pictures of how recurrent networks were trained and what they remember: notes "Homework 3", sections 1.1 and 1.2."""

from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unroll.report.recurrence import Curves, Diagnostics, Gate, Points, flows, gates, norms, radii

matplotlib.use("agg")


def recurrent_figures(curves: Curves, diagnostics: Diagnostics) -> dict[str, Figure]:
    """By kind, without those that have nothing to show. `curves` and `diagnostics` are by the name of the model."""
    found: dict[str, Figure] = {}
    if clipped := norms(curves):
        found["gradient_norm"] = gradient_norm(clipped)
    if layers := radii(curves):
        found["spectral_radius"] = spectral_radius(layers)
    if flow := flows(diagnostics):
        found["gradient_flow"] = gradient_flow(flow)
    if every := gates(diagnostics):
        found["gates"] = gate_shares(every)
    return found


def gradient_norm(found: Mapping[str, tuple[Points, Points]]) -> Figure:
    """Before clipping as a line, after it dotted."""
    figure, axes = _axes("epoch", "norm of the gradient")
    for color, (name, (before, after)) in enumerate(found.items()):
        axes.plot(*zip(*before, strict=True), color=f"C{color}", label=name)
        if after:
            axes.plot(*zip(*after, strict=True), ":", color=f"C{color}")
    axes.set_yscale("log")
    axes.legend(title="line: before clipping, dotted: after", title_fontsize="small", fontsize="small")
    return figure


def spectral_radius(found: Mapping[str, Mapping[str, Points]]) -> Figure:
    """A line per layer."""
    figure, axes = _axes("epoch", "spectral radius of U")
    for name, layers in found.items():
        for layer, line in layers.items():
            axes.plot(*zip(*line, strict=True), ".-", label=f"{name} {layer}")
    axes.axhline(1, color="black", linewidth=0.8, linestyle="--")
    figure.set_figwidth(8)
    figure.legend(loc="outside right upper", fontsize="small")  # encoders and decoders have many layers
    return figure


def gradient_flow(found: Mapping[str, Points]) -> Figure:
    """|d loss_T / d state_{T-k}| against k, a line per network."""
    figure, axes = _axes("steps back, k", "norm of d loss / d state")
    for name, flow in found.items():
        axes.plot(*zip(*flow, strict=True), label=name)
    axes.set_yscale("log")
    axes.legend(fontsize="small")
    return figure


def gate_shares(found: Sequence[Gate]) -> Figure:
    """A row per gate, a column per part of [0, 1]: the share of its values there."""
    parts = len(found[0].shares)
    figure = Figure(figsize=(6.4, 1.2 + 0.3 * len(found)), layout="constrained")
    axes = figure.add_subplot(xlabel="value of the gate: 0 shut, 1 open")
    shares = [gate.shares for gate in found]
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto", extent=(0, 1, len(found), 0))
    axes.set_xticks([part / parts for part in range(parts + 1)])
    axes.set_yticks(
        [row + 0.5 for row in range(len(found))], [f"{gate.model} {gate.layer} {gate.name}" for gate in found]
    )
    figure.colorbar(image, ax=axes, label="share")
    return figure


def _axes(x_label: str, y_label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    axes = figure.add_subplot(xlabel=x_label, ylabel=y_label)
    axes.grid(alpha=0.3)
    return figure, axes
