"""Hashes of files and of partitions are computed in blocks: no file or stream is read into memory as a whole."""

import hashlib
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests import toy
from unroll.evaluation.result import Evaluation
from unroll.fingerprint import fingerprint
from unroll.md5 import dvc_md5
from unroll.models.base import storage
from unroll.params.training import Training
from unroll.text.streams import Data, Stream
from unroll.training.checkpoint import Checkpoint
from unroll.training.ranks.process_group import ALONE


@pytest.fixture
def no_whole_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_bytes(path: Path) -> bytes:
        raise AssertionError(f"{path} is read as a whole")

    monkeypatch.setattr(Path, "read_bytes", read_bytes)


@pytest.mark.usefixtures("no_whole_file")
def test_no_hash_reads_a_whole_file(tmp_path: Path) -> None:
    storage.write(tmp_path, {"size": 3}, {"weights": np.arange(3.0)})
    losses = {"document": np.zeros(3, np.int32), "nll": np.arange(3.0)}
    digest = Evaluation(losses=losses).write(tmp_path / "evaluation")["losses_sha256"]
    with (tmp_path / "evaluation" / "losses.parquet").open("rb") as file:
        assert digest == hashlib.sha256(file.read()).hexdigest()
    assert fingerprint({}, tmp_path)["data_hash"]
    assert dvc_md5(tmp_path).endswith(".dir")


def test_the_name_of_a_checkpoint_is_computed_without_a_copy_of_the_streams(tmp_path: Path) -> None:
    np.save(tmp_path / "train.npy", np.zeros(8_000_000, np.uint16))
    tokens = np.load(tmp_path / "train.npy", mmap_mode="r")
    data = Data("toy", 16, 7, 1, {s: {"text": Stream(tokens, np.array([0, len(tokens)]))} for s in ("train", "valid")})
    settings: dict[str, Any] = toy.TRAINING
    arguments = (data, Training(**settings), torch.nn.Linear(2, 2), [1], "cpu", ALONE)
    tracemalloc.start()
    try:
        Checkpoint.for_training(tmp_path, *arguments)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8e6
