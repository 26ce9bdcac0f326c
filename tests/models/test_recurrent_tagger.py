"""The recurrent tagger: the layers of torch, what it may see, its batches, and a training that was interrupted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests import tagged
from tests.models.test_taggers import TAGGER
from unroll import models
from unroll.models.base.inputs import Inputs
from unroll.models.base.tagged import sentences, tags
from unroll.models.recurrent_tagger.model import Model
from unroll.models.recurrent_tagger.network import Network
from unroll.models.recurrent_tagger.params import RecurrentTaggerParams
from unroll.models.recurrent_tagger.task import Task
from unroll.text.streams import Data
from unroll.text.tokenizers.vocabulary import UNK
from unroll.training import fit as training

V, S, K = 30, 9, 5


def network(**changes: Any) -> Network:
    torch.manual_seed(3)
    return Network(RecurrentTaggerParams.model_validate(TAGGER | changes), V, S, K).eval()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return tagged.load(tagged.prepare(tmp_path_factory.mktemp("tagged"), sentences=200))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_scores_equal_those_of_the_layers_of_torch(cell: str, bidirectional: bool) -> None:
    ours = network(cell=cell, bidirectional=bidirectional, layers=2, hidden_size=6)
    kind: Any = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[cell]
    reference = kind(8 + 4, 6, num_layers=2, bidirectional=bidirectional, batch_first=True)
    state = {}
    for name, value in ours.layers.state_dict().items():  # such as 1.0.layers.0.weight_ih_l0
        layer, direction, _, _, weight = name.split(".")
        state[weight.replace("l0", f"l{layer}" + "_reverse" * (direction == "1"))] = value
    reference.load_state_dict(state)
    words, shapes = torch.randint(V, (3, 7)), torch.randint(S, (3, 7))
    inputs = torch.cat([ours.embedding(words), ours.shape_embedding(shapes)], dim=-1)  # type: ignore[misc]
    torch.testing.assert_close(ours(words, shapes), ours.output(reference(inputs)[0]))


@pytest.mark.parametrize(("bidirectional", "changes"), [(False, False), (True, True)])
def test_only_a_bidirectional_network_reads_the_words_behind(bidirectional: bool, changes: bool) -> None:
    ours = network(bidirectional=bidirectional)
    words, shapes = torch.randint(V, (1, 6)), torch.randint(S, (1, 6))
    other = words.clone()
    other[0, 5] = (words[0, 5] + 1) % V
    before, after = ours(words, shapes)[0, :5], ours(other, shapes)[0, :5]
    assert torch.equal(before, after) != changes


def test_word_dropout_acts_in_training_only() -> None:
    ours = network(word_dropout=0.5, dropout=0.0)
    words, shapes = torch.full((4, 50), 7), torch.zeros(4, 50, dtype=torch.long)
    seen: list[torch.Tensor] = []
    ours.embedding.register_forward_hook(lambda module, inputs, outputs: seen.append(inputs[0]))
    ours(words, shapes)
    ours.train()
    ours(words, shapes)
    assert (seen[0] == 7).all()
    assert set(seen[1].unique().tolist()) == {UNK, 7}
    assert 0.3 < (seen[1] == UNK).float().mean() < 0.7


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, V * 8 + S * 4 + 2 * 3 * 8 * (8 + 4 + 8 + 2) + (2 * 8 + 1) * K),
        ({"bidirectional": False, "shape_embedding_size": 0}, V * 8 + 3 * 8 * (8 + 8 + 2) + (8 + 1) * K),
        ({"crf": True}, V * 8 + S * 4 + 2 * 3 * 8 * (8 + 4 + 8 + 2) + (2 * 8 + 1) * K + K * K + 2 * K),
    ],
)
def test_it_counts_its_weights(changes: dict[str, Any], expected: int) -> None:
    params = RecurrentTaggerParams.model_validate(TAGGER | changes)
    assert Model(params, ["A"] * K, V, S, network(**changes)).parameters == expected


def test_every_word_of_an_epoch_is_counted_once(data: Data) -> None:
    task = Task(network(), 16, data)
    batches = list(task.train_batches(0))
    assert len(batches) == task.steps(0)
    assert sum(words.numel() for words, _, _ in batches) == len(np.concatenate(tags(data, "train")))
    assert all(len({part.shape for part in batch}) == 1 and len(batch[0]) <= 16 for batch in batches)
    again = list(task.train_batches(0))
    assert all(
        torch.equal(a, b) for one, two in zip(batches, again, strict=True) for a, b in zip(one, two, strict=True)
    )


def test_a_sentence_with_an_unseen_tag_is_left_out_of_the_valid_split(data: Data) -> None:
    stream = data.streams["valid"]["tags"]
    tokens = np.where(stream.tokens == 4, 3, stream.tokens)  # the most frequent tag becomes an unseen one
    sides = data.streams["valid"] | {"tags": replace(stream, tokens=tokens)}
    task = Task(network(), 16, replace(data, streams=data.streams | {"valid": sides}))
    kept = sum(len(words) for words, _, _ in task.valid_batches())
    assert kept == sum(not (row == 0).any() for row in tags(data, "valid")) < len(sentences(data, "valid"))


@pytest.mark.slow
def test_an_interrupted_training_ends_with_the_same_weights(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = TAGGER["training"] | {"epochs": 2, "patience": 2, "checkpoint_steps": 3}
    params = RecurrentTaggerParams.model_validate(TAGGER | {"crf": True, "training": settings})

    def fit(checkpoints: Path | None) -> Any:
        inputs = Inputs(checkpoints=checkpoints)
        return models.family("recurrent_tagger").fit(params, data, inputs, lambda *_, **__: None)

    start = training._Module.on_train_batch_start

    def interrupt(module: Any, *batch: Any) -> None:
        if module.batches_done == 10:
            raise KeyError("interrupted")
        start(module, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(training._Module, "on_train_batch_start", interrupt)
        with pytest.raises(KeyError, match="interrupted"):
            fit(tmp_path)
    assert list(tmp_path.glob("*.ckpt"))
    resumed, whole = fit(tmp_path).network.state_dict(), fit(None).network.state_dict()
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())
