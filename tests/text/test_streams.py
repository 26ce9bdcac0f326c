"""Token streams: their layout, and the files of a partition."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unroll.errors import UnrollError
from unroll.text.streams import SPLITS, Data, load, stream_of, write_plan
from unroll.text.tokenizers.vocabulary import BOS, EOS

documents = st.lists(st.lists(st.integers(3, 20), max_size=12).map(np.array), max_size=12)


@pytest.mark.slow
@given(documents)
def test_a_stream_holds_each_document_between_bos_and_eos(texts: list[np.ndarray]) -> None:
    stream = stream_of(texts, 21)
    assert [document.tolist() for document in stream.documents] == [[*text.tolist(), EOS] for text in texts]
    assert all(stream.tokens[start] == BOS for start in stream.offsets[:-1])
    assert stream.predicted == sum(len(text) + 1 for text in texts) == stream.lengths.sum()
    assert stream.tokens.dtype == np.uint16


def test_a_large_vocabulary_needs_wider_ids() -> None:
    assert stream_of([np.array([65535])], 2**16).tokens.dtype == np.uint16
    assert stream_of([np.array([65536])], 2**16 + 1).tokens.dtype == np.int32


def data(train: int, test: int = 3, n: int = 5) -> Data:
    streams = {
        split: {"text": stream_of([np.arange(4, 4 + size)] if size else [], 300)}
        for split, size in (("train", train), ("valid", 3), ("test", test))
    }
    return Data("tiny", 300, n, 1, streams)


def write(folder: Path, data: Data, entry: str) -> None:
    for split in SPLITS:
        for side, stream in data.streams[split].items():
            np.save(folder / f"{split}.{side}.npy", stream.tokens)
            np.save(folder / f"{split}.{side}.offsets.npy", stream.offsets)
    write_plan(folder, data, entry)


def test_loading_restores_what_was_written(tmp_path: Path) -> None:
    made = data(40)
    write(tmp_path, made, "tokenizers.tiny")
    found = load(tmp_path)
    assert (found.name, found.vocabulary_size, found.sequence_length, found.seed) == ("tiny", 300, 5, 1)
    np.testing.assert_array_equal(found.train.tokens, made.train.tokens)
    np.testing.assert_array_equal(found.test.offsets, made.test.offsets)
    assert isinstance(found.train.tokens, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found.train.tokens[0] = 5


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnrollError, match=r"tokenizers.tiny: the test split is empty; give it a larger share"):
        write(tmp_path, data(40, test=0), "tokenizers.tiny")


@pytest.mark.parametrize("train", [7, 8])
def test_a_train_split_must_fill_a_subsequence_in_every_epoch(tmp_path: Path, train: int) -> None:
    if train + 2 >= 10:
        write(tmp_path, data(train), "tokenizers.tiny")
    else:
        with pytest.raises(UnrollError, match="sequence_length to 4 or less"):
            write(tmp_path, data(train), "tokenizers.tiny")


@pytest.mark.parametrize("name", ["plan.json", "train.text.npy", "valid.text.offsets.npy"])
@pytest.mark.parametrize("damage", ["missing", "empty", "half", "other"])
def test_a_damaged_partition_is_one_sentence(tmp_path: Path, name: str, damage: str) -> None:
    write(tmp_path, data(40), "tokenizers.tiny")
    content = (tmp_path / name).read_bytes()
    if damage == "missing":
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes({"empty": b"", "half": content[: len(content) // 2], "other": b"{}"}[damage])
    with pytest.raises(UnrollError, match=r"unreadable .*; run `dvc repro -f` for this partition") as error:
        load(tmp_path)
    assert "\n" not in str(error.value)
