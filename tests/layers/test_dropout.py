"""Forms of dropout and activation regularization, and the sizes of recurrent layers."""

import pytest
import torch

from unroll.layers.activation_regularization import activation_regularization
from unroll.layers.dropout import VariationalDropout, drop_weights, embed
from unroll.layers.recurrent import LAYERS, Recurrent
from unroll.params.layers import Dropouts

NONE = {"input": 0.0, "hidden": 0.0, "output": 0.0, "embedding": 0.0, "weight_drop": 0.0, "variational": True}


def test_variational_dropout_has_one_mask_for_all_steps() -> None:
    torch.manual_seed(0)
    dropped = VariationalDropout(0.5)(torch.ones(9, 20, 30))
    assert (dropped == dropped[0]).all()
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert not (dropped[0, 0] == dropped[0, 1]).all()  # rows differ


def test_embedding_dropout_takes_whole_words() -> None:
    torch.manual_seed(0)
    embedding = torch.nn.Embedding.from_pretrained(torch.ones(50, 4))
    tokens = torch.arange(50).repeat(3, 2)
    kept = embed(embedding, tokens, 0.4)  # (3, 100, 4)
    assert (kept == kept[:1, :, :1]).all()
    assert (kept[:, :50] == kept[:, 50:]).all()
    assert (kept[0, :, 0] == 0).any()
    torch.testing.assert_close(kept.max(), torch.tensor(1 / 0.6))
    torch.testing.assert_close(embed(embedding, tokens, 0.0), embedding(tokens))


def test_weight_drop_in_training_only() -> None:
    torch.manual_seed(0)
    weight = torch.ones(40, 10)
    assert drop_weights(weight, 0.5, training=False) is weight
    dropped = drop_weights(weight, 0.5, training=True)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("cell", [cell for cell in LAYERS if not cell.startswith("min")])
def test_dropped_weights_have_no_effect_and_no_gradient(cell: str, recwarn: pytest.WarningsRecorder) -> None:
    torch.manual_seed(0)
    network = Recurrent(cell, 3, 4, 1, Dropouts(**NONE | {"weight_drop": 0.999}))
    outputs, _ = network(torch.randn(2, 5, 3), network.start(2))
    outputs.sum().backward()
    assert (network.layers[0].weight_hh_l0.grad == 0).all()
    one_step, _ = network(torch.ones(2, 1, 3), network.start(2))
    three_steps, _ = network(torch.ones(2, 3, 3), network.start(2))
    if cell.startswith("rnn"):  # they have no other connection in time
        torch.testing.assert_close(three_steps[:, -1], one_step[:, 0])
    assert not recwarn.list


def test_activation_regularization_by_hand() -> None:
    raw = torch.tensor([[[1.0, 2.0]], [[3.0, 2.0]]])  # (T, B, H)
    assert float(activation_regularization(2 * raw, raw, ar=1.0, tar=0.0)) == pytest.approx(4 * (1 + 4 + 9 + 4) / 4)
    assert float(activation_regularization(raw, raw, ar=0.0, tar=3.0)) == pytest.approx(3 * 4 / 2)
    assert float(activation_regularization(raw[:1], raw[:1], ar=0.0, tar=3.0)) == 0.0


def test_residual_adds_the_input_of_every_layer_but_the_first() -> None:
    torch.manual_seed(0)
    plain, residual = (Recurrent("gru", 3, 4, 2, 0.0, residual=flag) for flag in (False, True))
    residual.load_state_dict(plain.state_dict())
    inputs = torch.randn(2, 5, 3)
    first, _ = plain.layers[0](inputs.transpose(0, 1), plain.start(2)[:1], plain.layers[0].weight_hh_l0)
    outputs, state = residual(inputs, residual.start(2))
    torch.testing.assert_close(outputs, plain(inputs, plain.start(2))[0] + first.transpose(0, 1))
    torch.testing.assert_close(state, plain(inputs, plain.start(2))[1])


def test_a_size_for_each_layer() -> None:
    network = Recurrent("lstm", 3, [5, 7], 2, 0.0)
    outputs, state = network(torch.randn(2, 4, 3), network.start(2))
    assert outputs.shape == (2, 4, 7)
    assert [tuple(part.shape) for part in state] == [(2, 5), (2, 5), (2, 7), (2, 7)]
