"""The transformer equals its formulas and torch's layers, and reads a text in pieces like the whole text."""

import cmath
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.layers.transformer.block import Attention, rotate
from unroll.models.transformer.model import Transformer

HEADS, SIZE = 2, 8


def transformer(layers: int = 2, context: int = 4) -> Transformer:
    torch.manual_seed(3)
    network = Transformer(SIZE, layers, HEADS, 16, context, dropout=0.0).double().eval()
    for parameter in network.parameters():  # larger than initial weights, so that every part has an effect
        nn.init.normal_(parameter, 0, 0.5)
    return network


def inputs(length: int) -> tuple[Tensor, Tensor]:
    """Return vectors (2, T, H), and that no document begins."""
    torch.manual_seed(4)
    return torch.randn(2, length, SIZE, dtype=torch.float64), torch.zeros(2, length, dtype=torch.bool)


def test_rotation_multiplies_complex_numbers() -> None:
    """Su et al. (2021), equation 12: coordinates (x, y) of position m as x + iy, times exp(i m theta)."""
    frequencies = torch.tensor([1.0, 0.1], dtype=torch.float64)
    vector = torch.tensor([0.3, -0.7, 1.1, 0.4], dtype=torch.float64)  # pairs (0.3, 1.1) and (-0.7, 0.4)
    rotated = rotate(vector.expand(6, 4), 5, frequencies)[2]
    for pair, theta in enumerate(frequencies.tolist()):
        expected = complex(vector[pair], vector[pair + 2]) * cmath.exp(1j * 7 * theta)
        assert (rotated[pair].item(), rotated[pair + 2].item()) == pytest.approx((expected.real, expected.imag))


def test_attention_is_the_formula() -> None:
    """One query at a time: the softmax over distances of q . R(distance) k / sqrt(d)."""
    torch.manual_seed(5)
    attention, (x, _) = Attention(SIZE, HEADS).double(), inputs(6)
    band = torch.ones(6, 6, dtype=torch.bool).tril().triu(-2)  # the token itself and two before
    empty = x.new_zeros(2, HEADS, 0, SIZE // HEADS)
    found, _ = attention(x, (empty, empty), band.expand(2, 6, 6))
    q, k, v = attention.qkv(x)[1].chunk(3, dim=-1)
    d = SIZE // HEADS
    joined = []
    for head in range(HEADS):
        part = slice(head * d, (head + 1) * d)
        keys = [rotate(k[5 - distance, part][None], 0, attention.frequencies)[0] for distance in range(3)]
        query = [rotate(q[5, part][None], distance, attention.frequencies)[0] for distance in range(3)]
        shares = F.softmax(
            torch.stack([query[distance] @ keys[distance] for distance in range(3)]) / math.sqrt(d), dim=0
        )
        joined.append(sum(share * v[5 - distance, part] for distance, share in enumerate(shares)))
    torch.testing.assert_close(found[1, 5], attention.out(torch.cat(joined)))


def test_without_rotation_it_equals_the_encoder_of_torch() -> None:
    network, (x, begins) = transformer(), inputs(9)
    layer = nn.TransformerEncoderLayer(SIZE, HEADS, 16, 0.0, F.gelu, batch_first=True, norm_first=True)
    reference = nn.TransformerEncoder(layer, 2, nn.LayerNorm(SIZE), enable_nested_tensor=False).double().eval()
    names = {
        "self_attn.in_proj_weight": "attention.qkv.weight",
        "self_attn.in_proj_bias": "attention.qkv.bias",
        "self_attn.out_proj": "attention.out",
        "linear1": "inner",
        "linear2": "out",
        "layers": "blocks",
    }
    weights = {}
    for name in reference.state_dict():
        ours = name
        for theirs, replacement in names.items():
            ours = ours.replace(theirs, replacement)
        weights[name] = network.state_dict()[ours]
    reference.load_state_dict(weights)
    for block in network.blocks:
        block.attention.frequencies.zero_()  # no rotation
    hidden = torch.ones(9, 9, dtype=torch.bool).tril().triu(-3).logical_not()  # context 4
    found, _ = network(x, begins, network.start(2))
    torch.testing.assert_close(found, reference(x, mask=hidden))


@pytest.mark.parametrize("pieces", [[1] * 40, [3, 1, 10, 26], [39, 1]])
def test_pieces_give_the_outputs_of_the_whole(pieces: list[int]) -> None:
    network, (x, begins) = transformer(), inputs(40)
    begins[0, [0, 13]] = begins[1, 22] = True
    whole, last = network(x, begins, network.start(2))
    state, found = network.start(2), []
    for part, border in zip(x.split(pieces, dim=1), begins.split(pieces, dim=1), strict=True):
        outputs, state = network(part, border, state)
        found.append(outputs)
    torch.testing.assert_close(torch.cat(found, dim=1), whole)
    for one, other in zip(state, last, strict=True):
        torch.testing.assert_close(one, other)


def test_it_reads_as_far_back_as_its_layers_reach() -> None:
    """Two layers of context 4 read 2 (4 - 1) = 6 positions before the last one."""
    network, (x, begins) = transformer(layers=2, context=4), inputs(12)
    x.requires_grad_()
    outputs, _ = network(x, begins, network.start(2))
    outputs[:, -1].square().sum().backward()
    assert x.grad is not None
    has_gradient = x.grad.abs().sum((0, 2)) > 0
    assert has_gradient.tolist() == [False] * 5 + [True] * 7


def test_documents_are_independent() -> None:
    """After the beginning of a document the outputs are those of the document alone."""
    network, (x, begins) = transformer(), inputs(12)
    begins[:, 5] = True
    whole, _ = network(x, begins, network.start(2))
    alone, _ = network(x[:, 5:], begins[:, 5:], network.start(2))
    torch.testing.assert_close(whole[:, 5:], alone)
