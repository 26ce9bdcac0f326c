"""The section of the page on recurrent networks: one picture of each kind for all of them, whatever their tokens."""

from collections.abc import Sequence

from markupsafe import Markup

from unroll.report import chart
from unroll.report.recurrence import Curves, Diagnostics, Gate, flows, gates, radii


class RecurrentSection:
    """Every picture may be empty. `colors` are of this section: its models come from several groups of the page."""

    def __init__(self, curves: Curves, diagnostics: Diagnostics, colors: int) -> None:
        self._radii, self._flows = radii(curves), flows(diagnostics)
        self.gates: Sequence[Gate] = gates(diagnostics)
        names = dict.fromkeys([*self._flows, *self._radii])
        self.colors = {name: index % colors for index, name in enumerate(names)}

    @property
    def flow(self) -> Markup:
        series = [chart.Series(name, self.colors[name], flow) for name, flow in self._flows.items()]
        return chart.lines(series, "steps back, k", "norm of d loss / d state", log_y=True)

    @property
    def radius(self) -> Markup:
        series = [
            chart.Series(f"{name} {layer}", self.colors[name], line)
            for name, layers in self._radii.items()
            for layer, line in layers.items()
        ]
        return chart.lines(series, "epoch", "spectral radius of U")
