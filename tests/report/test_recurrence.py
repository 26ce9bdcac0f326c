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


ACTIVATIONS = {"layer": 1, "radius": 0.5, "norm": 2.0, "bound": 2.0, "saturated": 0.25, "exploded": 0.0, "mean": 0.6}


def test_a_simple_network_of_one_layer_has_a_bound() -> None:
    flow = [{"steps": k, "norm": norm} for k, norm in enumerate([3.0, 1.5, 0.75])]
    one = {"gradient_flow": flow, "activations": [ACTIVATIONS | {"shares": [0.25, 0.75]}]}
    two = {"gradient_flow": flow, "activations": [ACTIVATIONS | {"layer": n, "shares": [1.0]} for n in (1, 2)]}
    section = RecurrenceSection({}, {"rnn": one, "deep": two, "gru": {"gradient_flow": flow}})
    assert [(layer.model, layer.layer) for layer in section.layers] == [("rnn", 1), ("deep", 1), ("deep", 2)]
    assert section.bounds.count("<polyline") == 1
    assert [f"rnn: bound: {value} at {k}" in section.bounds for k, value in enumerate((3, 6, 12))] == [True] * 3
    assert RecurrenceSection({}, {"gru": {"gradient_flow": flow}}).bounds == ""


def test_attention_to_the_past_is_drawn_by_distance() -> None:
    reach = [
        {"first": 1, "last": 1, "predictions": 9, "share": 0.6},
        {"first": 2, "last": 4, "predictions": 8, "share": 0.3},
    ]
    section = RecurrenceSection({}, {"gru": {"attention_reach": reach}, "lstm": {}})
    assert "gru: 0.6 at 1" in section.reach
    assert "gru: 0.3 at 2" in section.reach
    assert list(section.colors) == ["gru"]


def test_a_gradient_that_vanishes_or_explodes_at_once_is_left_out() -> None:
    rows = [{"steps": 0, "norm": 0.0}, {"steps": 1, "norm": "inf"}]
    section = RecurrenceSection({"rnn": [{"step": 1.0}]}, {"rnn": {"gradient_flow": rows}})
    assert section.flow == section.radius == ""
    assert section.colors == {}
