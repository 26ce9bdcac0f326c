"""Pooling of the vectors of a document: worked examples, and padding that is never read."""

import math

import pytest
import torch

from unroll.layers.pooling import AttentionPooling, mean
from unroll.layers.sequence_encoder import padding_mask, reverse, reversed_positions


def layer() -> AttentionPooling:
    """W = I, b = 0 and u = (1, 0): the score of a vector is the hyperbolic tangent of its first number."""
    pooling = AttentionPooling(2)
    with torch.no_grad():
        pooling.projection.weight.copy_(torch.eye(2))
        pooling.projection.bias.zero_()
        pooling.context.copy_(torch.tensor([1.0, 0.0]))
    return pooling


def test_a_worked_example_of_attention() -> None:
    """tanh(ln 2) = 3/5 and tanh(0) = 0, so the weights are e^(3/5) : 1 : 1."""
    values = torch.tensor([[math.log(2), 4.0], [0.0, 1.0], [0.0, -2.0]])[:, None]  # (T, 1, 2)
    pooled, weights = layer()(values, torch.tensor([3]))
    largest = math.exp(0.6) / (math.exp(0.6) + 2)
    rest = (1 - largest) / 2
    assert weights[:, 0].tolist() == pytest.approx([largest, rest, rest], rel=1e-6)
    assert pooled[0].tolist() == pytest.approx([largest * math.log(2), 4 * largest - rest], rel=1e-5)


@pytest.mark.parametrize("padding", [0.0, 1e30, torch.inf, torch.nan])
def test_padding_has_no_weight_whatever_it_holds(padding: float) -> None:
    values = torch.tensor([[1.0, 2.0], [3.0, -1.0], [padding, padding]])[:, None]
    pooled, weights = layer()(values, torch.tensor([2]))
    expected, short = layer()(values[:2], torch.tensor([2]))
    torch.testing.assert_close(pooled, expected)
    torch.testing.assert_close(weights[:2], short)
    assert weights[2].item() == 0
    assert mean(values, torch.tensor([2])).tolist() == [[2.0, 0.5]]


def test_the_mean_of_nothing_is_zero() -> None:
    assert mean(torch.ones(3, 2, 2), torch.tensor([0, 3])).tolist() == [[0, 0], [1, 1]]
    assert mean(torch.empty(0, 1, 2), torch.tensor([0])).tolist() == [[0, 0]]


def test_reversed_documents_keep_their_padding() -> None:
    values = torch.tensor([[1, 5, 9], [2, 6, 0], [3, 0, 0]])[..., None]  # documents 1 2 3, 5 6 and 9
    lengths = torch.tensor([3, 2, 1])
    order = reversed_positions(lengths, 3)
    assert reverse(values, order)[..., 0].t().tolist() == [[3, 2, 1], [6, 5, 0], [9, 0, 0]]
    assert torch.equal(reverse(reverse(values, order), order), values)
    assert padding_mask(lengths, 3).t().tolist() == [[True] * 3, [True, True, False], [True, False, False]]
