"""A training that was killed and resumed ends with the same bytes as one that was not interrupted."""

import logging
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter

from tests import toy
from tests.models import labelled
from tests.training.resume import CASES
from unroll import models
from unroll.models.base.inputs import Inputs
from unroll.params.experiments import ModelParams
from unroll.text.streams import Data
from unroll.training import fit

ROOT = Path(__file__).parents[2]


def results(folder: Path) -> dict[str, bytes]:
    found = [folder / "curve.csv", *sorted((folder / "model").iterdir())]
    return {path.name: path.read_bytes() for path in found}


@pytest.mark.slow
@pytest.mark.parametrize(("case", "batches"), [("adam", 60), ("sgd", 100), ("masked", 60)])
def test_five_kills_change_no_byte(case: str, batches: int, tmp_path: Path) -> None:
    kills = sorted(random.Random(batches).sample(range(4, batches), 5))
    for name, at in (("whole", []), ("killed", kills)):
        (tmp_path / name).mkdir()
        command = [sys.executable, "-m", "tests.training.resume", case, str(tmp_path / name), *map(str, at)]
        subprocess.run(command, cwd=ROOT, check=True)
    assert results(tmp_path / "killed") == results(tmp_path / "whole")


class Interrupted(Exception):
    pass


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[dict[str, Any], Data], None]:
    """Train until an error ends the training at batch 10, with checkpoints in `tmp_path`."""
    start = fit._Module.on_train_batch_start

    def on_train_batch_start(module: Any, *batch: Any) -> None:
        if module.batches_done == 10:
            raise Interrupted
        start(module, *batch)

    def run(values: dict[str, Any], data: Data) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(fit._Module, "on_train_batch_start", on_train_batch_start)
            with pytest.raises(Interrupted):
                train(values, data, tmp_path)

    return run


def train(
    values: dict[str, Any], data: Data, checkpoints: Path | None = None
) -> tuple[dict[str, torch.Tensor], list[Any]]:
    rows: list[Any] = []
    params = TypeAdapter(ModelParams).validate_python(values)
    inputs = Inputs(checkpoints=checkpoints)
    model = models.family(params.family).fit(params, data, inputs, lambda step, **values: rows.append((step, values)))
    return model.network.state_dict(), rows


def test_a_damaged_checkpoint_is_ignored(interrupt: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    interrupt(CASES["adam"], toy.text())
    (file,) = tmp_path.glob("*.ckpt")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING, "unroll"):
        weights, rows = train(CASES["adam"], toy.text(), tmp_path)
    assert "the checkpoint is damaged; training starts from the beginning" in caplog.text
    expected, curve = train(CASES["adam"], toy.text())
    assert rows == curve
    assert all(torch.equal(weights[name], value) for name, value in expected.items())


def test_every_training_has_its_own_checkpoint(interrupt: Any, tmp_path: Path) -> None:
    interrupt(CASES["adam"], toy.text())
    changed = {"training": CASES["adam"]["training"] | {"learning_rate": 0.02}}
    interrupt(CASES["adam"] | changed, toy.text())
    interrupt(CASES["adam"], replace(toy.text(2), seed=toy.text().seed))
    assert len(list(tmp_path.glob("*.ckpt"))) == 3


def test_without_a_folder_no_checkpoint_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train(CASES["adam"] | {"training": CASES["adam"]["training"] | {"epochs": 1}}, toy.text())
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("case", labelled.NETWORKS)
def test_a_classifier_resumes_only_with_its_own_labels_and_settings(
    case: str,
    interrupt: Callable[[dict[str, Any], Data], None],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = labelled.CASES[case] | {"training": toy.TRAINING | {"checkpoint_steps": 3}}
    data = labelled.data()
    interrupt(settings, data)
    swapped = data.labels | {"train": data.labels["train"][::-1]}
    name, value = ("dropout", 0.3) if settings["family"] == "bag_of_embeddings" else ("max_tokens", 9)
    with caplog.at_level(logging.INFO, "unroll"):
        train(settings, replace(data, labels=swapped), tmp_path)
        train(settings | {name: value}, data, tmp_path)
        assert "resuming" not in caplog.text
        found = train(settings, data, tmp_path)
    assert "resuming after 9 batches" in caplog.text
    expected = train(settings, data)
    assert found[1] == expected[1]
    assert all(torch.equal(found[0][key], weight) for key, weight in expected[0].items())
