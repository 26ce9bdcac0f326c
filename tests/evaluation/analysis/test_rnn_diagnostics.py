"""Diagnostics of recurrent networks in evaluation and in the curves of training, where the values are known."""

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from tests import toy
from tests.models.test_contract import BIDIRECTIONAL, ONE_HOT, RECURRENT, TRANSFORMER, UNDROPPED
from unroll import models
from unroll.evaluation.analysis.rnn_diagnostics import diagnose
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import UnrolledModel
from unroll.params.evaluate import ContextAblation
from unroll.params.experiments import ModelParams

PARAMS = ContextAblation(tokens=10, distances=[1, 5])
TRAINING = toy.TRAINING | {"epochs": 2}


def trained(**changes: Any) -> tuple[Any, list[dict[str, float]]]:
    """A model of toy text and the curves of its training; recurrent, unless the changes give another family."""
    base = RECURRENT if "family" not in changes else {}
    params: Any = TypeAdapter(ModelParams).validate_python(base | {"training": TRAINING} | changes)
    rows: list[dict[str, float]] = []
    model = models.family(params.family).fit(
        params, toy.text(), Inputs(), lambda step, **v: rows.append({"step": step, **v})
    )
    return model, rows


def test_gradient_flow_begins_with_the_gradient_of_the_last_hidden_vector() -> None:
    """At k = 0 that is W' (p - one-hot target), here by hand."""
    model, _ = trained(cell="gru")
    contexts, targets = np.asarray([[4, 5, 6], [7, 9, 10]]), np.asarray([7, 12])
    flow = model.gradient_flow(contexts, targets)
    assert flow.shape == (4,)
    state = model.start(2)
    for tokens in contexts.T:
        state = model.advance(state, tokens)
    wrong = np.exp(model.next_log_probs(state))
    wrong[[0, 1], targets] -= 1
    weight = model.network.softmax.weight.detach().numpy()
    assert flow[0] == pytest.approx(np.linalg.norm(wrong @ weight, axis=1).mean(), rel=1e-5)


@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_the_gradient_flow_of_a_linear_network_is_a_power_of_its_factor(factor: float) -> None:
    model, _ = trained(cell="rnn_relu")
    layer = model.network.recurrent.layers[0]
    with torch.no_grad():
        layer.weight_hh_l0.copy_(factor * torch.eye(16))
        layer.weight_ih_l0.zero_()
        layer.bias_ih_l0.fill_(1.0)
    flow = model.gradient_flow(np.full((3, 6), 5), np.full(3, 6))
    np.testing.assert_allclose(flow / flow[0], factor ** np.arange(7.0), rtol=1e-4)


def test_gates_are_those_of_the_context_without_bos() -> None:
    model, _ = trained(cell="mingru")
    contexts = np.asarray([[4, 5, 6]])
    ((name, keep),) = model.gate_activations(contexts)[0].items()
    layer, read = model.network.recurrent.layers[0], model.network.embedding.weight[4:7]
    expected = torch.sigmoid(-(read @ layer.weight_ih_l0[:16].t() + layer.bias_ih_l0[:16]))
    assert name == "keep"
    np.testing.assert_allclose(keep[0], expected.detach(), rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "gates"),
    [
        ({"cell": "rnn"}, []),
        ({"cell": "lstm", "layers": 2}, [(k, gate) for k in (1, 2) for gate in ("input", "forget", "output")]),
        (BIDIRECTIONAL | {"cell": "gru"}, [(1, "reset"), (1, "update")]),
        ({"cell": "gru_reset_before"} | ONE_HOT | UNDROPPED, [(1, "reset"), (1, "update")]),
        ({"cell": "rnn"} | ONE_HOT | UNDROPPED, []),
        ({"cell": "mingru", "attention": {"kind": "dot", "context": 9}}, [(1, "keep")]),
        (
            {
                "cell": "minlstm",
                "tie_weights": False,
                "softmax": {"kind": "adaptive", "cutoffs": [4, 9], "div_value": 2.0},
            },
            [(1, "keep")],
        ),
    ],
)
def test_every_recurrent_network_has_gradient_flow_and_gates(
    changes: dict[str, Any], gates: list[tuple[int, str]]
) -> None:
    model, _ = trained(**changes)
    assert isinstance(model, UnrolledModel)
    result = diagnose(model, toy.text().valid.documents, 7, PARAMS, seed=1)
    assert [row["steps"] for row in result["gradient_flow"]] == [0, 1, 2, 3, 4, 5]
    assert all(row["norm"] > 0 for row in result["gradient_flow"])
    assert [(row["layer"], row["gate"]) for row in result["gates"]] == gates
    for row in result["gates"]:
        assert sum(row["shares"]) == pytest.approx(1)
        assert 0 < row["mean"] < 1


def test_the_context_is_no_longer_than_in_training_and_short_documents_have_no_result() -> None:
    model, _ = trained(cell="rnn")
    documents = toy.text().valid.documents
    assert len(diagnose(model, documents, 3, PARAMS, seed=1)["gradient_flow"]) == 4
    assert diagnose(model, [np.asarray([4, 2])], 7, PARAMS, seed=1) == {}
    assert diagnose(model, documents, 7, ContextAblation(tokens=0, distances=[1]), seed=1) == {}


def test_saturated_and_exploded_activations_are_counted() -> None:
    """A unit whose bias is large saturates; an unbounded one explodes if its state grows."""
    documents = [np.full(40, 5)]
    for cell, weight, bias, saturated, exploded in (
        ("rnn", 0.0, [9.0] * 4 + [0.0] * 12, 0.25, 0.0),
        ("rnn_sigmoid", 0.0, [-9.0] * 8 + [0.0] * 8, 0.5, 0.0),
        ("rnn_relu", 0.0, [-1.0] * 12 + [20.0] * 4, 0.75, 0.25),
        ("rnn_identity", 1.0, [3.0] * 16, 0.0, 0.6),  # h = 3, 6, 9, .. from <bos> on: of tokens 1 to 5, the last three
    ):
        model, _ = trained(cell=cell)
        layer = model.network.recurrent.layers[0]
        with torch.no_grad():
            layer.weight_ih_l0.zero_()
            layer.weight_hh_l0.copy_(weight * torch.eye(16) if weight else layer.weight_hh_l0 * 0 + 1e-9)
            layer.bias_ih_l0.copy_(torch.tensor(bias))
            layer.bias_hh_l0.zero_()
        (row,) = diagnose(model, documents, 7, PARAMS, seed=1)["activations"]
        assert (row["layer"], row["saturated"], row["exploded"]) == (
            1,
            pytest.approx(saturated),
            pytest.approx(exploded),
        )
        assert sum(row["shares"]) == pytest.approx(1)
        assert row["shares"][0] == pytest.approx(saturated)
        assert row["norm"] >= row["radius"] * (1 - 1e-3)


def test_networks_with_gates_have_no_simple_activations() -> None:
    model, _ = trained(cell="gru")
    assert "activations" not in diagnose(model, toy.text().valid.documents, 7, PARAMS, seed=1)


def test_other_models_are_not_unrolled() -> None:
    model, rows = trained(**TRANSFORMER)
    assert not isinstance(model, UnrolledModel)
    assert not any(name.startswith("spectral_radius") for row in rows for name in row)


@pytest.mark.parametrize(
    ("changes", "columns"),
    [
        ({"cell": "rnn", "layers": 2}, {"spectral_radius_recurrent_1", "spectral_radius_recurrent_2"}),
        (BIDIRECTIONAL | {"cell": "gru"}, {"spectral_radius_rightward_1", "spectral_radius_leftward_1"}),
        ({"cell": "mingru"}, set()),
    ],
)
def test_the_curves_have_a_spectral_radius_for_each_layer(changes: dict[str, Any], columns: set[str]) -> None:
    _, rows = trained(**changes)
    assert {name for row in rows for name in row if name.startswith("spectral_radius")} == columns


def test_the_curves_end_with_the_spectral_radius_of_the_trained_weights() -> None:
    """With one epoch, the weights that are kept are the last ones."""
    model, rows = trained(cell="rnn", training=TRAINING | {"epochs": 1})
    measured = [row["spectral_radius_recurrent_1"] for row in rows if "spectral_radius_recurrent_1" in row]
    weight = model.network.recurrent.layers[0].weight_hh_l0.detach().double().numpy()
    assert measured[-1] == pytest.approx(abs(np.linalg.eigvals(weight)).max(), rel=1e-3)
    assert 5 <= len(measured) <= 20


def test_the_curves_have_the_gradient_norm_before_and_after_clipping() -> None:
    _, rows = trained(cell="rnn", training=TRAINING | {"clip": {"kind": "norm", "max_norm": 0.01}})
    training = [row for row in rows if "train_loss" in row]
    assert all(row["gradient_norm"] > row["gradient_norm_clipped"] == pytest.approx(0.01) for row in training)


def test_a_row_without_a_step_has_no_norm() -> None:
    """The gradients of so many batches are accumulated that some rows of the curves have no optimizer step."""
    _, rows = trained(cell="rnn", training=TRAINING | {"accumulate_grad_batches": 8})
    norms = [row.get("gradient_norm") for row in rows if "train_loss" in row]
    assert None in norms
    assert any(norms)
