"""The section on recurrent networks: every network has its line, and nothing to show gives no chart."""

from tests.report.findings import findings
from unroll.report.recurrence import RecurrenceSection, gradient_flows, spectral_radii


def test_every_network_has_a_line_and_every_gate_a_row() -> None:
    curves, diagnostics = findings().curves, findings().diagnostics
    section = RecurrenceSection(curves, diagnostics)
    assert list(section.colors) == ["lstm", "gru"]
    assert gradient_flows(diagnostics)["lstm"] == [(0, 2.0), (1, 1.0), (2, 0.5)]
    assert list(spectral_radii(curves)["lstm"]) == ["recurrent 1", "recurrent 2"]
    assert [(gate.model, gate.layer, gate.name) for gate in section.gates] == [
        ("lstm", 1, "update"),
        ("gru", 1, "update"),
    ]
    assert section.flow.count("<polyline") == section.radius.count("<polyline") == 2


def test_a_gradient_that_vanishes_or_explodes_at_once_is_left_out() -> None:
    rows = [{"steps": 0, "norm": 0.0}, {"steps": 1, "norm": "inf"}]
    section = RecurrenceSection({"rnn": [{"step": 1.0}]}, {"rnn": {"gradient_flow": rows}})
    assert section.flow == section.radius == ""
    assert section.colors == {}
