"""Splits that are too small are refused before a training starts, and batches without tokens change nothing."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from tests import toy
from tests.training.resume import RECURRENT
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs
from unroll.params.experiments import ModelParams
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.vocabulary import BOS
from unroll.training.early_stopping import EarlyStopping
from unroll.training.fit import _Module
from unroll.training.task import LanguageModelTask


def train(data: Data, batching: str = "shuffled", **training: Any) -> tuple[Any, list[dict[str, float]]]:
    values = RECURRENT | {"batching": batching, "training": toy.TRAINING | training}
    rows: list[dict[str, float]] = []
    params = TypeAdapter(ModelParams).validate_python(values)
    model = models.family("recurrent").fit(params, data, Inputs(), lambda step, **values: rows.append(values))
    return model, rows


def with_split(data: Data, split: str, lengths: list[int]) -> Data:
    documents = [np.full(length, 5) for length in lengths]
    return replace(data, streams=data.streams | {split: {"text": stream_of(documents, toy.VOCABULARY_SIZE)}})


@pytest.fixture
def no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if a batch is trained on."""
    monkeypatch.setattr(_Module, "training_step", lambda *_: pytest.fail("the training has started"))


@pytest.mark.usefixtures("no_step")
@pytest.mark.parametrize("batching", ["shuffled", "contiguous"])
@pytest.mark.parametrize("split", ["train", "valid"])
@pytest.mark.parametrize("lengths", [[], [0], [2], [0, 0]])
def test_a_split_that_is_too_small_is_refused_before_the_training(
    split: str, batching: str, lengths: list[int]
) -> None:
    data = with_split(toy.text(), split, lengths)
    sizes = rf"the {split} split of tokenizers.toy has {sum(lengths) + 2 * len(lengths)} tokens, too few for a batch"
    with pytest.raises(UnrollError, match=sizes + ".*lower training.batch_size or tokenizers.toy.sequence_length") as e:
        train(data, batching)
    assert "\n" not in str(e.value)


@pytest.mark.usefixtures("no_step")
def test_a_train_split_without_a_batch_in_a_later_epoch_is_refused_before_the_training() -> None:
    """The first tokens of an epoch are dropped at random, so 9 tokens have a subsequence of 7 in some epochs only."""
    data = replace(with_split(toy.text(), "train", [7]), seed=11)
    with pytest.raises(UnrollError, match=r"too few for a batch in epoch 2;"):
        train(data, epochs=9, patience=9)


@pytest.mark.parametrize("batching", ["shuffled", "contiguous"])
def test_the_smallest_valid_split_is_validated(batching: str) -> None:
    _, rows = train(with_split(toy.text(), "valid", [22]), batching, epochs=1)
    assert math.isfinite(rows[-1]["valid_loss"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("batching", "length", "rows", "documents"),
    [("contiguous", 7, 2, [4, 4, 4, 3, 8, 0]), ("shuffled", 1, 1, [4] * 6), ("contiguous", 1, 1, [4] * 6)],
)
def test_a_batch_whose_only_targets_are_not_predicted_has_no_loss(
    batching: Any, length: int, rows: int, documents: list[int]
) -> None:
    """The target of every row of a last column is `<bos>`, or all subsequences have one token: no token is counted."""
    data = with_split(replace(toy.text(), sequence_length=length), "train", documents)
    model, logged = train(data, batching, batch_size=rows, epochs=2, learning_rate=1e-9)
    assert all(torch.isfinite(weight).all() for weight in model.network.state_dict().values())
    task = LanguageModelTask(model.network, batching, rows, data)
    assert 0 in [int((y > BOS).sum()) for epoch in range(2) for _, y in task.train_batches(epoch)]
    losses = [row["train_loss"] for row in logged if "train_loss" in row]
    assert all(2 < loss < 4 or math.isnan(loss) for loss in losses)  # a batch without tokens is not averaged in as zero
    assert not all(math.isnan(loss) for loss in losses)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_validation_loss_that_is_not_finite_ends_the_training(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = LanguageModelTask.loss

    def broken(self: Any, batch: Any, state: Any) -> Any:
        nats, count, after = loss(self, batch, state)
        return (nats if self.network.training else nats * value), count, after

    monkeypatch.setattr("unroll.models.recurrent.model.Task.loss", broken)
    expected = "the validation loss is not finite after epoch 1; lower training.learning_rate .it is 0.01. or"
    with pytest.raises(UnrollError, match=expected):
        train(toy.text(), patience=1)


def test_no_best_epoch_is_without_weights() -> None:
    best = EarlyStopping()
    best.update(1.0, torch.nn.Linear(1, 1))
    assert best.weights
