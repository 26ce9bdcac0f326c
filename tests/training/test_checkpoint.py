"""The file of a checkpoint: what is written is read, and its name depends on everything that the result depends on."""

import hashlib
import io
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests import toy
from unroll.params.training import Training
from unroll.text.streams import Data, Stream
from unroll.training import checkpoint
from unroll.training.checkpoint import DIGEST, Checkpoint
from unroll.training.ranks.process_group import ALONE, Group


class Ranks(Group):
    """Rank number `rank` of two in one process: rank 1 has added 10 to each number of rank 0."""

    def __init__(self, rank: int) -> None:
        super().__init__(rank, 2)
        self.sent: list[Any] = []

    def gather_values(self, values: Any) -> list[Any]:
        other = {name: value + (10 if self.rank == 0 else -10) for name, value in values.items()}
        return [values, other] if self.rank == 0 else [other, values]

    def broadcast(self, values: Any) -> Any:
        self.sent.append(values)
        return values

    def require_equal(self, text: str, fault: str) -> None:
        self.sent.append((text, fault))


VALUES = {"epoch": 2, "name": "é", "weights": torch.arange(3.0), "rows": [(1, {"loss": 0.5})]}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = Checkpoint(tmp_path / "a" / "b" / "x.ckpt")
    assert file.read() is None
    file.write(VALUES, {"state": None})
    file.write(VALUES | {"epoch": 3}, {"state": torch.ones(2)})
    found = file.read()
    assert found is not None
    assert torch.equal(found.pop("weights"), VALUES["weights"])
    assert torch.equal(found.pop("state"), torch.ones(2))
    assert found == {"epoch": 3, "name": "é", "rows": [(1, {"loss": 0.5})]}
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["x.ckpt"]


def test_the_file_begins_with_the_sha256_of_its_content(tmp_path: Path) -> None:
    file = Checkpoint(tmp_path / "x.ckpt")
    file.write({"epoch": 2}, {"state": 7})
    content = file.path.read_bytes()
    assert DIGEST == 32
    assert hashlib.sha256(content[32:]).digest() == content[:32]
    assert torch.load(io.BytesIO(content[32:]), weights_only=True) == {"epoch": 2, "ranks": [{"state": 7}]}


def test_rank_0_writes_the_values_of_all_ranks_and_each_reads_its_own(tmp_path: Path) -> None:
    first, second = (Checkpoint(tmp_path / "x.ckpt", Ranks(rank)) for rank in (0, 1))
    second.write({"epoch": 2}, {"state": 15})
    assert not first.path.exists()
    first.write({"epoch": 2}, {"state": 5})
    assert first.read() == {"epoch": 2, "state": 5}
    assert Ranks(1).broadcast(first._read()) == {"epoch": 2, "ranks": [{"state": 5}, {"state": 15}]}


def test_only_rank_0_reads_the_file(tmp_path: Path) -> None:
    """The others take what rank 0 sends, and have its values of their own."""
    Checkpoint(tmp_path / "x.ckpt", Ranks(0)).write({"epoch": 2}, {"state": 5})
    group = Ranks(1)
    assert Checkpoint(tmp_path / "x.ckpt", group).read() is None
    assert group.sent == [None]

    class Receiving(Ranks):
        def broadcast(self, values: Any) -> Any:
            return {"epoch": 2, "ranks": [{"state": 5}, {"state": 15}]}

    assert Checkpoint(tmp_path / "absent.ckpt", Receiving(1)).read() == {"epoch": 2, "state": 15}


@pytest.mark.parametrize("size", [0, 10, 32, 200])
def test_a_truncated_file_is_damaged(size: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = Checkpoint(tmp_path / "x.ckpt")
    file.write(VALUES, {})
    file.path.write_bytes(file.path.read_bytes()[:size])
    with caplog.at_level(logging.WARNING, "unroll"):
        assert file.read() is None
    message = f"{file.path}: the checkpoint is damaged; training starts from the beginning"
    assert caplog.record_tuples == [("unroll", logging.WARNING, message)]


class Unwelcome:
    """An object whose unpickling would be the execution of code."""


def test_a_file_with_objects_is_not_unpickled(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"ranks": [{}], "object": Unwelcome()}, buffer)
    content = buffer.getvalue()
    (tmp_path / "x.ckpt").write_bytes(hashlib.sha256(content).digest() + content)
    with pytest.raises(Exception, match=r"weights_only|Unsupported global"):
        Checkpoint(tmp_path / "x.ckpt").read()


def test_the_new_file_is_complete_on_the_disk_before_it_replaces_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Checkpoint(tmp_path / "x.ckpt")
    file.write({"epoch": 1}, {})
    synced: list[bytes] = []

    def fsync(descriptor: int) -> None:
        (part,) = (path for path in tmp_path.iterdir() if path != file.path)
        synced.append(part.read_bytes())
        assert file.read() == {"epoch": 1}

    monkeypatch.setattr("os.fsync", fsync)
    file.write({"epoch": 2}, {})
    assert synced == [file.path.read_bytes()]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Checkpoint(tmp_path / "x.ckpt")
    file.write({"epoch": 1}, {})

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            file.write({"epoch": 2}, {})
    assert file.read() == {"epoch": 1}


# The name of the file


def network(value: float = 0.0, buffer: bool = False) -> nn.Module:
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        for weights in layer.parameters():
            weights.fill_(value)
    if buffer:
        layer.register_buffer("mean", torch.zeros(1))
    return layer


def with_stream(data: Data, split: str, **changes: Any) -> Data:
    stream = replace(data.streams[split]["text"], **changes)
    return replace(data, streams=data.streams | {split: {"text": stream}})


def name(
    data: Data | None = None,
    layer: nn.Module | None = None,
    steps: tuple[int, ...] = (3, 4),
    device: str = "cpu",
    **training: Any,
) -> str:
    params = Training(**(toy.TRAINING | training))  # type: ignore[arg-type]
    arguments = (data or toy.text(), params, layer or network(), [*steps], device, ALONE)
    file = Checkpoint.for_training(Path("folder"), *arguments)
    assert file is not None
    assert file.path.parent == Path("folder")
    return file.path.name


def changed(tokens: np.ndarray) -> np.ndarray:
    return np.append(tokens[:-1], tokens[-1] + 1).astype(tokens.dtype)


CHANGES: dict[str, Callable[[], str]] = {
    "learning rate": lambda: name(learning_rate=0.02),
    "steps": lambda: name(steps=(3, 5)),
    "device": lambda: name(device="cuda"),
    "seed": lambda: name(replace(toy.text(), seed=2)),
    "vocabulary": lambda: name(replace(toy.text(), vocabulary_size=17)),
    "weights": lambda: name(layer=network(1.0)),
    "structure": lambda: name(layer=nn.Sequential(network())),
    "buffer": lambda: name(layer=network(buffer=True)),
    **{
        f"{split} {part}": lambda split=split, part=part: name(  # type: ignore[misc]
            with_stream(toy.text(), split, **{part: changed(getattr(toy.text().streams[split]["text"], part))})
        )
        for split in ("train", "valid")
        for part in ("tokens", "offsets")
    },
    "splits": lambda: name(
        replace(toy.text(), streams={s: toy.text().streams[t] for s, t in (("train", "valid"), ("valid", "train"))})
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_training_with_another_result_has_another_file(change: str) -> None:
    assert CHANGES[change]() != name()


def test_the_same_training_has_the_same_file() -> None:
    assert name() == name()
    assert len(name().removesuffix(".ckpt")) == 32
    memory = toy.text()
    copied = Stream(memory.train.tokens[::1].copy(), memory.train.offsets.copy())
    assert name(replace(memory, streams=memory.streams | {"train": {"text": copied}})) == name()
    assert name(replace(memory, streams={**memory.streams, "test": {"text": copied}})) == name()  # it is not trained on


def test_a_change_of_the_code_or_of_torch_has_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    before = name()
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "code_hash", lambda: "other")
        assert name() != before
    with monkeypatch.context() as patch:
        patch.setattr(torch, "__version__", "0.0")
        assert name() != before


@pytest.mark.parametrize("portable", [True, False])
def test_the_number_of_threads_matters_unless_arithmetic_is_portable(
    portable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "is_portable", lambda: portable)
    names = []
    for threads in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        names.append(name())
    assert (names[0] == names[1]) == portable


def test_the_ranks_of_a_training_compare_its_name(tmp_path: Path) -> None:
    group = Ranks(0)
    params = Training(**toy.TRAINING)  # type: ignore[arg-type]
    file = Checkpoint.for_training(tmp_path, toy.text(), params, network(), [3, 4], "cpu", group)
    assert file is not None
    assert file.group is group
    ((compared, fault),) = group.sent
    assert f"{compared}.ckpt" == file.path.name
    assert fault == (
        "the ranks of the training differ in their code, libraries, settings, data, device or number of threads; "
        "start all of them in the same folder or in equal copies of it, with the same UNROLL_THREADS"
    )


def test_without_a_folder_there_is_no_checkpoint() -> None:
    params = Training(**toy.TRAINING)  # type: ignore[arg-type]
    assert Checkpoint.for_training(None, toy.text(), params, network(), [1], "cpu", ALONE) is None
