"""Recurrent classifiers against torch's own layers, with packed sequences in place of padding."""

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tests import toy
from tests.models import labelled
from tests.models.labelled import NETWORK
from unroll.models.recurrent_classifier.model import Network
from unroll.models.recurrent_classifier.params import RecurrentClassifierParams
from unroll.text.tokenizers.vocabulary import EOS
from unroll.training.classification import pad

PEERS: dict[str, Any] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
DOCUMENTS = [np.append(text, EOS) for text in toy.documents(12, 5)] + [np.asarray([EOS])]


def network(**changes: Any) -> Network:
    torch.manual_seed(3)
    params = RecurrentClassifierParams.model_validate(NETWORK | changes)
    return Network(params, toy.VOCABULARY_SIZE, 3).eval()


def peer_of(ours: Network, cell: str, layers: int, bidirectional: bool) -> nn.Module:
    """Torch's own layers with the same weights."""
    peer: nn.Module = PEERS[cell](8, 8, layers, bidirectional=bidirectional)
    state = {}
    for number, layer in enumerate(ours.encoder.layers):
        for direction, one in enumerate(layer.children()):
            weights = dict(one.layers[0].named_parameters())
            suffix = "_reverse" if direction else ""
            state |= {f"{name[:-1]}{number}{suffix}": weights[name] for name in NAMES}
    peer.load_state_dict(state)
    return peer


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("cell", "layers"), [("rnn", 1), ("gru", 2), ("lstm", 2)])
@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
def test_logits_equal_those_of_torch(cell: str, layers: int, bidirectional: bool, pooling: str) -> None:
    ours = network(cell=cell, layers=layers, bidirectional=bidirectional, pooling=pooling)
    tokens, lengths = pad(DOCUMENTS)
    with torch.no_grad():
        logits, weights = ours(tokens, lengths)
        packed = pack_padded_sequence(ours.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        read, state = peer_of(ours, cell, layers, bidirectional)(packed)
        outputs, _ = pad_packed_sequence(read, batch_first=True)  # (B, T, H)
        last = (state[0] if cell == "lstm" else state)[-2 if bidirectional else -1 :]  # of the last layer
        rows = [one[:length] for one, length in zip(outputs, lengths, strict=True)]
        match pooling:
            case "last":
                pooled = torch.cat([*last], dim=-1)
            case "mean":
                pooled = torch.stack([row.mean(0) for row in rows])
            case "attention":
                assert ours.attention is not None
                shares = [
                    torch.softmax(torch.tanh(ours.attention.projection(r)) @ ours.attention.context, 0) for r in rows
                ]
                pooled = torch.stack([share @ row for share, row in zip(shares, rows, strict=True)])
                assert weights is not None
                for share, row in zip(shares, weights, strict=True):
                    torch.testing.assert_close(row[: len(share)], share)
                    assert not row[len(share) :].any()
        torch.testing.assert_close(logits, ours.output(pooled))


def test_gradients_equal_those_of_torch_and_padding_has_none() -> None:
    ours = network(cell="lstm", layers=2, bidirectional=True)
    tokens, lengths = pad(DOCUMENTS)
    ours(tokens, lengths)[0].square().sum().backward()
    found = {name: weight.grad.clone() for name, weight in ours.named_parameters() if weight.grad is not None}
    assert not found["embedding.weight"][0].any()  # <pad>
    ours.zero_grad()
    peer = peer_of(ours, "lstm", 2, bidirectional=True)
    packed = pack_padded_sequence(ours.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
    _, (last, _) = peer(packed)
    ours.output(torch.cat([*last[-2:]], dim=-1)).square().sum().backward()
    torch.testing.assert_close(found["embedding.weight"], ours.embedding.weight.grad, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found["output.weight"], ours.output.weight.grad, rtol=1e-4, atol=1e-5)
    for number, layer in enumerate(ours.encoder.layers):
        for direction, _ in enumerate(layer.children()):
            for name in NAMES:
                theirs = peer.get_parameter(f"{name[:-1]}{number}{'_reverse' if direction else ''}").grad
                torch.testing.assert_close(
                    found[f"encoder.layers.{number}.{direction}.layers.0.{name}"], theirs, rtol=1e-4, atol=1e-5
                )


def test_a_longer_text_is_cut_and_ends_with_eos() -> None:
    long = np.arange(4, 14)
    model = network(max_tokens=3)
    for document in (long, np.append(long, EOS)):
        assert model.select_tokens(document).tolist() == [4, 5, 6, EOS]
    assert model.select_tokens(np.asarray([EOS])).tolist() == [EOS]
    assert model.select_tokens(np.empty(0, np.int64)).tolist() == [EOS]


def test_parameters_are_those_of_the_formula() -> None:
    model = labelled.train(NETWORK | {"bidirectional": True, "pooling": "attention"}, labelled.data())
    embedding, direction = toy.VOCABULARY_SIZE * 8, 3 * 8 * (8 + 8 + 2)
    assert model.parameters == embedding + 2 * direction + (16 + 1) * 16 + 16 + (16 + 1) * 3


def test_two_directions_know_the_first_word_as_well_as_the_last_one() -> None:
    """A simple network over long texts forgets their first word, unless it also reads backwards."""
    generator = np.random.default_rng(3)

    def texts(count: int) -> tuple[list[Any], list[str]]:
        labels = generator.integers(2, size=count)
        words = [np.concatenate([[4 + label], generator.integers(6, 16, 40)]) for label in labels]
        return words, [["no", "yes"][label] for label in labels]

    splits = {split: texts(count) for split, count in (("train", 300), ("valid", 60), ("test", 60))}
    data = labelled.labelled({k: v[0] for k, v in splits.items()}, {k: v[1] for k, v in splits.items()})
    accuracy = {}
    for bidirectional in (False, True):
        settings = NETWORK | {"cell": "rnn", "bidirectional": bidirectional, "dropout": toy.DROPOUT | {"input": 0.0}}
        settings |= {"training": toy.TRAINING | {"epochs": 6, "patience": 6}}
        model = labelled.train(settings, data)
        predicted = model.log_posteriors(data.test.documents).argmax(1)
        accuracy[bidirectional] = np.mean(
            [model.classes[c] == y for c, y in zip(predicted, data.labels["test"], strict=True)]
        )
    assert accuracy[True] > 0.95
    assert accuracy[False] < 0.75


def test_weight_drop_needs_recurrent_weights() -> None:
    with pytest.raises(ValidationError, match=r"mingru has no recurrent weights to drop"):
        network(cell="mingru", dropout=toy.DROPOUT | {"weight_drop": 0.1})
