"""Attention equals its equations, one query and one token at a time."""

import numpy as np
import pytest
import torch

from unroll.layers import attention
from unroll.layers.attention import ATTENTIONS, AdditiveAttention, Attention, DotAttention, GeneralAttention

SIZE = 4


def example(kind: str) -> tuple[Attention, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return ATTENTIONS[kind](SIZE), torch.randn(3, 5, SIZE), torch.randn(3, 6, SIZE)


def by_hand(layer: Attention, query: torch.Tensor, value: torch.Tensor) -> float:
    if isinstance(layer, GeneralAttention):
        return float(query @ layer.key.weight @ value)
    if isinstance(layer, DotAttention):
        return float(query @ value)
    assert isinstance(layer, AdditiveAttention)
    hidden = layer.query.weight @ query + layer.query.bias + layer.key.weight @ value
    return float(layer.weight @ torch.tanh(hidden))


@pytest.mark.parametrize("kind", ATTENTIONS)
@torch.no_grad()
def test_weights_and_contexts_equal_the_equations(kind: str) -> None:
    layer, queries, values = example(kind)
    contexts, weights = layer(queries, layer.memory(values))
    for row in range(3):
        for step in range(5):
            scores = np.asarray([by_hand(layer, queries[row, step], value) for value in values[row]])
            expected = np.exp(scores) / np.exp(scores).sum()
            np.testing.assert_allclose(weights[row, step], expected, rtol=1e-5)
            np.testing.assert_allclose(contexts[row, step], expected @ values[row].numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ATTENTIONS)
@torch.no_grad()
def test_padding_has_no_weight_and_no_effect(kind: str) -> None:
    layer, queries, values = example(kind)
    mask = torch.arange(6) < torch.tensor([6, 4, 1])[:, None]
    contexts, weights = layer(queries, layer.memory(values, mask))
    assert (weights[~mask[:, None].expand_as(weights)] == 0).all()
    for row, length in enumerate((6, 4, 1)):
        alone, alone_weights = layer(queries[[row]], layer.memory(values[[row], :length]))
        torch.testing.assert_close(contexts[[row]], alone)
        torch.testing.assert_close(weights[[row], :, :length], alone_weights)


@torch.no_grad()
def test_additive_attention_in_pieces_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, queries, values = example("additive")
    whole, _ = layer(queries, layer.memory(values))
    monkeypatch.setattr(attention, "ELEMENTS", 2 * values.numel())  # two steps at a time
    torch.testing.assert_close(layer(queries, layer.memory(values))[0], whole)
