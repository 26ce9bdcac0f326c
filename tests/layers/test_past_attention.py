"""Attention to the past equals its equations, one state at a time, and ends at the beginning of a document."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from tests import toy
from tests.models.test_contract import CASES, RECURRENT
from unroll import models
from unroll.layers.attention import ATTENTIONS, AdditiveAttention, GeneralAttention
from unroll.layers.past_attention import PastAttention
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import PastAttentionModel
from unroll.models.base.saved_params import with_omitted
from unroll.models.recurrent.model import Model, Network
from unroll.params.experiments import ModelParams
from unroll.params.layers import PastAttentionParams
from unroll.text.streams import Stream, stream_of
from unroll.text.tokenizers.vocabulary import BOS, EOS

H = 3


def build(kind: str, context: int) -> PastAttention:
    torch.manual_seed(1)
    return PastAttention(PastAttentionParams.model_validate({"kind": kind, "context": context}), H).double()


def score(layer: PastAttention, now: Tensor, earlier: Tensor) -> Tensor:
    """h_t h_i, h_t W h_i, or u tanh(W h_t + U h_i)."""
    alignment = layer.alignment
    if isinstance(alignment, AdditiveAttention):
        return alignment.weight @ torch.tanh(
            alignment.query.weight @ now + alignment.query.bias + alignment.key.weight @ earlier
        )
    return now @ (alignment.key.weight @ earlier if isinstance(alignment, GeneralAttention) else earlier)


def reference(layer: PastAttention, states: Tensor) -> tuple[list[Tensor], list[list[float]]]:
    """o_t of one document, h_1 .. h_T (T, H), and its weights, by loops over t and i."""
    outputs, rows = [], []
    for t, now in enumerate(states):
        earlier = states[max(0, t - layer.context) : t]
        context = torch.zeros(H, dtype=torch.float64)
        weights: list[float] = []
        if len(earlier):
            exponentials = torch.stack([score(layer, now, one) for one in earlier]).exp()
            shares = exponentials / exponentials.sum()
            for share, one in zip(shares, earlier, strict=True):
                context = context + share * one
            weights = shares.tolist()
        outputs.append(now + layer.combine.weight @ context)
        rows.append([0.0] * max(0, t - layer.context) + weights + [0.0] * (len(states) - t))
    return outputs, rows


@pytest.mark.parametrize("context", [1, 2, 50])
@pytest.mark.parametrize("kind", ATTENTIONS)
@torch.no_grad()
def test_outputs_and_weights_equal_the_equations(kind: str, context: int) -> None:
    layer, states = build(kind, context), torch.randn(2, 6, H).double()
    begins = torch.zeros(2, 6, dtype=torch.bool)
    begins[:, 0] = True
    outputs, weights, _ = layer(states, begins, layer.start(2))
    for row in range(2):
        expected, rows = reference(layer, states[row])
        torch.testing.assert_close(outputs[row], torch.stack(expected))
        np.testing.assert_allclose(weights[row], rows)


@pytest.mark.parametrize("kind", ATTENTIONS)
def test_gradients_against_finite_differences(kind: str) -> None:
    layer = build(kind, 3)
    begins = torch.tensor([[True, False, False, True, False]])
    states = torch.randn(1, 5, H, dtype=torch.float64, requires_grad=True)
    past = torch.randn(1, 2, H, dtype=torch.float64)
    leaves = [parameter.detach().clone().requires_grad_() for parameter in layer.parameters()]
    names = [name for name, _ in layer.named_parameters()]

    def run(states: Tensor, *weights: Tensor) -> Tensor:
        arguments = (states, begins, (past, torch.ones(1, 2, dtype=torch.bool)))
        return torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), arguments)[0]

    assert torch.autograd.gradcheck(run, (states, *leaves))


@pytest.mark.parametrize("context", [1, 3, 50])
@torch.no_grad()
def test_a_text_in_pieces_equals_the_whole_and_documents_do_not_see_each_other(context: int) -> None:
    layer, states = build("general", context), torch.randn(1, 9, H).double()
    begins = torch.tensor([[1, 0, 0, 0, 1, 0, 0, 0, 0]], dtype=torch.bool)
    whole, _, last = layer(states, begins, layer.start(1))
    for cuts in ([3, 6], [4, 5], [1] * 9):
        state, pieces = layer.start(1), []
        for some, begin in zip(states.split(_lengths(cuts, 9), 1), begins.split(_lengths(cuts, 9), 1), strict=True):
            outputs, _, state = layer(some, begin, state)
            pieces.append(outputs)
        torch.testing.assert_close(torch.cat(pieces, 1), whole)
        torch.testing.assert_close(state[0], last[0])
        assert state[0].shape[1] == min(context, 9)
    for first, end in ((0, 4), (4, 9)):
        alone, _, _ = layer(states[:, first:end], begins[:, first:end], layer.start(1))
        torch.testing.assert_close(whole[:, first:end], alone)


def _lengths(cuts: list[int], total: int) -> list[int]:
    return cuts + [total - sum(cuts)] * (sum(cuts) < total)


def fitted(case: str) -> Any:
    params: Any = TypeAdapter(ModelParams).validate_python(CASES[case])
    torch.manual_seed(3)
    return Model(params, toy.VOCABULARY_SIZE, Network(params, toy.VOCABULARY_SIZE))


@pytest.mark.parametrize("case", ["gru-dot", "rnn-general", "lstm-additive"])
def test_the_map_has_the_weights_behind_each_prediction(case: str) -> None:
    model, document = fitted(case), np.asarray([4, 5, 6, 7, 8, EOS])
    assert isinstance(model, PastAttentionModel)
    weights = model.past_attention(document)
    context = CASES[case]["attention"]["context"]
    assert weights.shape == (6, 6)
    for t, row in enumerate(weights):
        assert (row[t:] == 0).all()
        assert (row[: max(0, t - context)] == 0).all()
        assert row.sum() == pytest.approx(float(t > 0), abs=1e-6)


def test_a_network_without_attention_has_no_map_and_no_weights_of_it() -> None:
    model = fitted("lstm")
    assert model.past_attention(np.asarray([4, EOS])) is None
    assert not [name for name in model.network.state_dict() if "attention" in name]


def test_an_earlier_document_of_a_carried_text_is_not_attended_to() -> None:
    """The recurrent state is carried across documents, but the attention begins again with each."""
    model = fitted("gru-dot")
    tokens = torch.tensor([[BOS, 4, 5, EOS, BOS, 6, 7]])
    weights = model.network.attend(tokens)[0]
    assert (weights[4:, :4] == 0).all()
    assert (weights[5:].sum(1) > 0.99).all()


@pytest.mark.parametrize("case", ["gru-dot", "rnn-general"])
def test_the_gradient_flow_includes_the_attention(case: str) -> None:
    """At k = K it equals the gradient that autograd computes for the whole context."""
    model = fitted(case)
    contexts, targets = np.asarray([[4, 5, 6, 7]]), np.asarray([8])
    recurrent, read = model.network.recurrent, model.network.embedding(torch.tensor([[BOS, 4, 5, 6, 7]]))
    first, state = recurrent(read[:, :1], recurrent.start(1))
    state = tuple(part.detach().requires_grad_() for part in state)
    rest, _ = recurrent(read[:, 1:], state)
    hidden = torch.cat([state[-1][:, None], rest], 1)
    begins = torch.zeros(1, 5, dtype=torch.bool)
    attended = model.network.attention(hidden, begins, model.network.attention.start(1))[0][:, -1]
    loss = model.network.softmax.negative_log_likelihood(attended, torch.tensor(targets)).sum()
    expected = sum(float(one.square().sum()) for one in torch.autograd.grad(loss, state)) ** 0.5
    assert model.gradient_flow(contexts, targets)[-1] == pytest.approx(expected, rel=1e-4)
    assert first.shape == (1, 1, 16)


@pytest.mark.parametrize(("kind", "scores"), [("dot", 0), ("general", 16 * 16), ("additive", 2 * 16 * 16 + 2 * 16)])
def test_attention_adds_the_weights_of_its_scores_and_of_the_output(kind: str, scores: int) -> None:
    sizes = []
    for attention in ({"kind": "none"}, {"kind": kind, "context": 9}):
        params: Any = TypeAdapter(ModelParams).validate_python(RECURRENT | {"cell": "rnn", "attention": attention})
        network = Network(params, toy.VOCABULARY_SIZE)
        sizes.append(Model(params, toy.VOCABULARY_SIZE, network).parameters)
    assert sizes[1] - sizes[0] == scores + 16 * 16


def repeating(count: int, generator: np.random.Generator) -> Stream:
    """Documents whose last word is their first one. Between them are twelve random words and a sign for the end."""
    keys, words = generator.integers(4, 9, count), generator.integers(9, 15, (count, 12))
    return stream_of(
        [np.array([key, *row, 15, key]) for key, row in zip(keys, words, strict=True)], toy.VOCABULARY_SIZE
    )


@pytest.mark.slow
def test_attention_finds_a_word_that_the_network_forgets() -> None:
    """A guess among the five first words costs log 5. The state is too small, and the way too long, to remember it."""
    generator = np.random.default_rng(1)
    sizes = {"train": 3000, "valid": 40, "test": 60}
    streams = {split: {"text": repeating(count, generator)} for split, count in sizes.items()}
    data = replace(toy.text(), streams=streams, sequence_length=34)
    training = {"epochs": 8, "patience": 8, "batch_size": 8}
    training |= {"learning_rate": 0.03, "schedule": {"kind": "constant"}}
    nats = {}
    for attention in ({"kind": "none"}, {"kind": "dot", "context": 100}):
        settings = RECURRENT | {"cell": "rnn", "attention": attention, "training": toy.TRAINING | training}
        settings["dropout"] = toy.DROPOUT | {"input": 0.0, "hidden": 0.0, "output": 0.0}
        params: Any = TypeAdapter(ModelParams).validate_python(settings)
        model = models.family("recurrent").fit(params, data, Inputs(), lambda *_, **__: None)
        scores = model.log_probs(data.test.documents)
        nats[attention["kind"]] = -float(np.mean([one[-2] for one in scores]))
    assert nats["none"] > 0.9 * math.log(5)
    assert nats["dot"] < 0.5 * math.log(5)


def test_settings_without_attention_are_saved_as_by_earlier_releases() -> None:
    adapter: Any = TypeAdapter(ModelParams)
    plain, attentive = (adapter.validate_python(CASES[case]) for case in ("lstm", "gru-dot"))
    assert "attention" not in plain.model_dump()
    assert adapter.validate_python(with_omitted(plain.model_dump())) == plain
    assert attentive.model_dump()["attention"] == {"kind": "dot", "context": 100}
    assert adapter.validate_python(with_omitted(attentive.model_dump())) == attentive


@pytest.mark.parametrize(
    ("attention", "sentence"),
    [({"kind": "dot"}, "context"), ({"kind": "none", "context": 3}, "context"), ({"kind": "dot", "context": 0}, "1")],
)
def test_wrong_settings_are_refused(attention: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        TypeAdapter(ModelParams).validate_python(RECURRENT | {"cell": "rnn", "attention": attention})
