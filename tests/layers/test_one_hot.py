"""One-hot inputs are looked up: the results and gradients are those of products with the vectors and the identity."""

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from tests.models.test_contract import BIDIRECTIONAL, CASES, ONE_HOT, RECURRENT, SEQ2SEQ, UNDROPPED, WINDOW
from unroll import models
from unroll.layers.network import weights
from unroll.layers.one_hot import project, project_windows
from unroll.layers.recurrent import LAYERS, Recurrent
from unroll.models.window.model import Network as Window
from unroll.models.window.model import windows
from unroll.params.experiments import ModelParams, PretrainedParams
from unroll.text.tokenizers.vocabulary import BOS

V = 7


def one_hot(tokens: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.one_hot(tokens, V).double()


@pytest.mark.parametrize("cell", [*LAYERS])
def test_a_layer_reads_ids_as_it_reads_one_hot_vectors(cell: str) -> None:
    torch.manual_seed(0)
    network = Recurrent(cell, V, 4, 2, 0.0).double()  # type: ignore[arg-type]
    tokens, factors = torch.randint(V, (3, 6)), torch.randn(3, 6, 4).double()
    found = []
    for inputs in (tokens, one_hot(tokens)):
        outputs, state = network(inputs, network.start(3))
        gradients = torch.autograd.grad((outputs * factors).sum(), [*network.parameters()])
        found.append((outputs, *state, *gradients))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_product_is_a_column_for_each_place_of_a_window() -> None:
    torch.manual_seed(1)
    tokens, weight, bias = torch.randint(V, (2, 5, 3)), torch.randn(4, 3 * V).double(), torch.randn(4).double()
    torch.testing.assert_close(project_windows(tokens, weight, bias), project(one_hot(tokens).flatten(2), weight, bias))


def test_a_window_network_reads_one_hot_vectors() -> None:
    """Like a network with an embedding that is set to the identity."""
    torch.manual_seed(2)
    adapter: Any = TypeAdapter(ModelParams)
    looked_up = Window(adapter.validate_python(WINDOW | ONE_HOT), V).eval()
    embedded = Window(adapter.validate_python(WINDOW | {"embedding_size": V, "tie_weights": False}), V).eval()
    embedded.load_state_dict(looked_up.state_dict() | {"embedding.weight": torch.eye(V)})
    tokens = torch.tensor([[BOS, 4, 5, 6, 4, BOS, 5]])
    found, expected = (network(tokens, network.start(1))[0] for network in (looked_up, embedded))
    torch.testing.assert_close(found, expected)
    assert windows(torch.cat([looked_up.start(1)[0], tokens], 1), 3).shape == (1, 7, 3)


@pytest.mark.parametrize("case", [name for name in CASES if name.endswith("one-hot")])
def test_no_network_has_an_identity(case: str) -> None:
    """Only the first layers have a side of the size of the vocabulary, apart from the output layer."""
    adapter: Any = TypeAdapter(ModelParams)
    params, size = adapter.validate_python(CASES[case]), 1009
    module = __import__(f"unroll.models.{params.family}.model", fromlist=["model"])
    network = module.EncoderDecoder(params, size, size) if params.family == "seq2seq" else module.Network(params, size)
    large = {name: value.shape for name, value in weights(network).items() if max(value.shape) >= size}
    assert large
    for name, shape in large.items():
        assert name.startswith("softmax") or name == "counts" or "weight_ih_l0" in name or name == "hidden.weight"
        assert len(shape) == 1 or min(shape) < 100


def test_the_parameters_are_those_without_an_embedding() -> None:
    """H V + H H + 2 H of the layer, and V H + V of the output."""
    params: Any = TypeAdapter(ModelParams).validate_python(CASES["rnn-one-hot"])
    network = models.family("recurrent").Network(params, V)
    assert models.family("recurrent").Model(params, V, network).parameters == 16 * V + 16 * 16 + 32 + 16 * V + V


def test_the_vectors_of_tokens_are_the_columns_that_read_them() -> None:
    for case, width in (("rnn-one-hot", 16), ("bidirectional-one-hot", 2 * 2 * 16), ("window-one-hot", 3 * 16)):
        params: Any = TypeAdapter(ModelParams).validate_python(CASES[case])
        family: Any = models.family(params.family)
        network = family.Network(params, V)
        model = family.Model(params, V, network)
        assert model.embedding.shape == (V, width)
        column = torch.zeros(V)
        column[5] = 1
        np.testing.assert_array_equal(model.embedding[5], (network.input_weight @ column).detach())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            RECURRENT | {"cell": "rnn"} | ONE_HOT,
            "set tie_weights to false, and dropout.input and dropout.embedding to 0",
        ),
        (
            RECURRENT | {"cell": "rnn"} | UNDROPPED | {"embedding_size": "one_hot"},
            "has no embedding that could be tied",
        ),
        (BIDIRECTIONAL | {"cell": "rnn"} | ONE_HOT, "has no embedding that could be tied or dropped"),
        (WINDOW | {"embedding_size": "one_hot"}, "set tie_weights and direct_connections to false"),
        (WINDOW | ONE_HOT | {"direct_connections": True}, "set tie_weights and direct_connections to false"),
        (SEQ2SEQ | {"embedding_size": "one_hot", "tie_weights": True}, "set tie_weights, share_embeddings"),
        (SEQ2SEQ | {"embedding_size": "one_hot", "share_embeddings": True}, "set tie_weights, share_embeddings"),
        (
            SEQ2SEQ | {"embedding_size": "one_hot", "attention": "dot", "input_feeding": True},
            "input_feeding to false",
        ),
    ],
)
def test_what_needs_an_embedding_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        TypeAdapter(ModelParams).validate_python(settings)


def test_vectors_need_an_embedding() -> None:
    settings = RECURRENT | {"cell": "rnn"} | ONE_HOT | UNDROPPED | {"vectors": "v", "freeze_embeddings": False}
    with pytest.raises(ValidationError, match="embedding_size: one_hot has no embedding that could begin from vectors"):
        TypeAdapter(PretrainedParams).validate_python(settings)


def test_dropout_of_a_list_of_layers_leaves_ids_alone() -> None:
    network = Recurrent("rnn", V, 4, 2, 0.5).train()
    tokens = torch.randint(V, (2, 3))
    assert network(tokens, network.start(2))[0].shape == (2, 3, 4)
