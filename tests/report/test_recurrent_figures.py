"""Figures of recurrent networks: every model has its line, and nothing to show is no figure."""

from pathlib import Path

import numpy as np

from tests.report.findings import findings
from unroll.report.recurrent_figures import recurrent_figures


def test_a_line_for_each_network_and_a_row_for_each_gate(tmp_path: Path) -> None:
    found = recurrent_figures(findings().curves, findings().diagnostics)
    assert list(found) == ["gradient_norm", "spectral_radius", "gradient_flow", "gates"]
    flow = found["gradient_flow"].axes[0]
    assert [line.get_label() for line in flow.get_lines()] == ["lstm", "gru"]
    assert flow.get_yscale() == "log"
    np.testing.assert_array_equal(flow.get_lines()[0].get_ydata(), [2.0, 1.0, 0.5])
    assert [text.get_text() for text in found["gates"].axes[0].get_yticklabels()] == ["lstm 1 update", "gru 1 update"]
    (legend,) = found["spectral_radius"].legends
    assert [text.get_text() for text in legend.get_texts()] == ["lstm recurrent 1", "lstm recurrent 2"]
    for kind, figure in found.items():
        figure.savefig(tmp_path / f"{kind}.png")


def test_a_network_whose_gradient_vanished_or_exploded_at_once_is_no_error() -> None:
    rows = [{"steps": 0, "norm": 0.0}, {"steps": 1, "norm": "inf"}]
    assert recurrent_figures({"rnn": [{"step": 1.0}]}, {"rnn": {"gradient_flow": rows}}) == {}
