"""Stage partition on token ids that a test writes: the streams are those of the documents, whatever the batches."""

import json
import tracemalloc
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.text.conftest import words
from unroll.errors import UnrollError
from unroll.text.partition import partition
from unroll.text.streams import SPLITS, Data, load, stream_of
from unroll.text.token_store import TOKEN_IDS, TokenWriter, list_array

Texts = list[list[list[int]]]
"""Documents in batches."""

TRAIN: Texts = [[[4, 5, 6], []], [[7] * 9, [8], [9, 4]], [[5, 5]]]
SHORT: Texts = [[[4, 5]], [[6]]]


def write(folder: Path, columns: dict[str, dict[str, Texts]], sizes: dict[str, int], labels: bool = False) -> None:
    """Write what stage tokenize writes: for each split the batches of each side."""
    folder.mkdir()
    schema = pa.schema([*((side, TOKEN_IDS) for side in columns), *([("label", pa.string())] if labels else [])])
    with TokenWriter(folder, schema) as writer:
        for split in SPLITS:
            for batches in zip(*(batches[split] for batches in columns.values()), strict=True):
                arrays: list[Any] = [
                    list_array(np.array([*chain(*batch)], np.int32), [*map(len, batch)]) for batch in batches
                ]
                if labels:
                    arrays.append(pa.array([f"{split} é {n}" for n in range(len(batches[0]))]))
                writer.write_batch(split, pa.record_batch(arrays, schema=schema))
    counts: dict[str, Any] = {split: {side: {"bytes": 9} for side in columns} for split in SPLITS}
    (folder / "counts.json").write_text(json.dumps(sizes | counts), encoding="utf-8")


def run(tmp_path: Path, length: int = 5) -> Data:
    folder = tmp_path / "out"
    folder.mkdir()
    partition(words(sequence_length=length), "tiny", 7, tmp_path / "tokens", folder)
    return load(folder)


def documents(batches: Texts) -> list[np.ndarray]:
    return [np.array(text, np.int64) for batch in batches for text in batch]


@pytest.mark.parametrize(("size", "type_"), [(16, np.uint16), (2**16, np.uint16), (2**16 + 1, np.int32)])
def test_streams_are_those_of_the_documents(tmp_path: Path, size: int, type_: type) -> None:
    texts = {"train": TRAIN, "valid": SHORT, "test": [*SHORT, [[size - 1, size - 2]]]}
    write(tmp_path / "tokens", {"text": texts}, {"vocabulary_size": size})
    data = run(tmp_path)
    for split, batches in texts.items():
        expected, found = stream_of(documents(batches), size), data.streams[split]["text"]
        np.testing.assert_array_equal(found.tokens, expected.tokens)
        np.testing.assert_array_equal(found.offsets, expected.offsets)
        assert (found.tokens.dtype, found.offsets.dtype) == (type_, np.int64)
        for name, array in ((f"{split}.text.npy", found.tokens), (f"{split}.text.offsets.npy", found.offsets)):
            np.save(tmp_path / "saved.npy", array)
            assert (tmp_path / "saved.npy").read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_the_plan_holds_the_settings_and_counts(tmp_path: Path) -> None:
    write(tmp_path / "tokens", {"text": {"train": TRAIN, "valid": SHORT, "test": SHORT}}, {"vocabulary_size": 16})
    data = run(tmp_path, length=6)
    assert (data.name, data.vocabulary_size, data.sequence_length, data.seed) == ("tiny", 16, 6, 7)
    assert data.counts == {split: {"text": {"bytes": 9}} for split in SPLITS}
    assert (data.source_vocabulary_size, data.labels) == (None, {})
    assert not (tmp_path / "out" / "labels.json").exists()


def test_each_side_has_the_type_of_its_own_vocabulary(tmp_path: Path) -> None:
    large = {split: [[[70_000, 5]], [[6]]] for split in SPLITS}
    small = {split: [[[4]], [[9, 8, 7]]] for split in SPLITS}
    sizes = {"vocabulary_size": 12, "source_vocabulary_size": 70_001}
    write(tmp_path / "tokens", {"source": large, "target": small}, sizes)
    data = run(tmp_path)
    assert (data.vocabulary_size, data.source_vocabulary_size) == (12, 70_001)
    for split in SPLITS:
        source, target = data.streams[split]["source"], data.streams[split]["target"]
        assert [text.tolist() for text in source.documents] == [[70_000, 5, 2], [6, 2]]
        assert [text.tolist() for text in target.documents] == [[4, 2], [9, 8, 7, 2]]
        assert (source.tokens.dtype, target.tokens.dtype) == (np.int32, np.uint16)


def test_labels_are_copied_as_they_are(tmp_path: Path) -> None:
    texts = {"train": TRAIN, "valid": SHORT, "test": SHORT}
    write(tmp_path / "tokens", {"text": texts}, {"vocabulary_size": 16}, labels=True)
    data = run(tmp_path)
    assert data.labels == {
        split: [f"{split} é {n}" for batch in batches for n in range(len(batch))] for split, batches in texts.items()
    }
    written = (tmp_path / "out" / "labels.json").read_text(encoding="utf-8")
    assert written.endswith("}\n")
    assert "é" in written


def test_one_batch_is_in_memory(tmp_path: Path) -> None:
    """A train split of 40 batches has 4 MB as a stream."""
    texts: dict[str, Texts] = {"train": [[[5] * 50_000]] * 40, "valid": SHORT, "test": SHORT}
    write(tmp_path / "tokens", {"text": texts}, {"vocabulary_size": 16})
    tracemalloc.start()
    try:
        data = run(tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(data.train.tokens) == 40 * 50_002
    assert peak < 2e6


@pytest.mark.parametrize("batches", [[], [[]]])
def test_an_empty_split_is_refused(tmp_path: Path, batches: Texts) -> None:
    texts: dict[str, Texts] = {"train": TRAIN, "valid": batches, "test": SHORT}
    write(tmp_path / "tokens", {"text": texts}, {"vocabulary_size": 16})
    with pytest.raises(UnrollError, match=r"^tokenizers\.tiny: the valid split is empty"):
        run(tmp_path)
