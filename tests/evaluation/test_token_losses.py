"""The table of losses: its columns, the same bytes for the same numbers, and the error for a damaged file."""

import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unroll.errors import UnrollError
from unroll.evaluation import token_losses
from unroll.text.token_store import number_array, string_array

DOCUMENTS = [np.asarray([5, 4, 2]), np.asarray([], dtype=int), np.asarray([4, 2])]
LOG_PROBS = [np.log([0.5, 0.25, 1.0]), np.empty(0), np.log([0.125, 0.5])]
TRAIN_COUNTS = np.asarray([0, 0, 2, 0, 7, 1])


def table() -> dict[str, token_losses.Column]:
    columns = {"nll": LOG_PROBS, "cache_nll": LOG_PROBS}
    return token_losses.table(DOCUMENTS, columns, TRAIN_COUNTS, "abcdef".__getitem__)


def test_a_row_per_token_in_the_order_of_the_text(tmp_path: Path) -> None:
    token_losses.write(table(), tmp_path / "x.parquet")
    content = token_losses.read(tmp_path / "x.parquet")
    assert list(content) == ["document", "position", "token", "surface", "train_count", "nll", "cache_nll"]
    assert content["document"].tolist() == [0, 0, 0, 2, 2]
    assert content["position"].tolist() == [0, 1, 2, 0, 1]
    assert content["token"].tolist() == [5, 4, 2, 4, 2]
    assert content["surface"].tolist() == ["f", "e", "c", "e", "c"]
    assert content["train_count"].tolist() == [1, 7, 2, 7, 2]
    np.testing.assert_array_equal(content["nll"], -np.concatenate(LOG_PROBS))


def test_the_same_numbers_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        token_losses.write(table(), tmp_path / f"{name}.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_a_damaged_file_is_an_error_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    token_losses.write(table(), path)
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnrollError, match="the losses are not readable"):
        token_losses.read(path)
    with pytest.raises(UnrollError, match="run `dvc repro`"):
        token_losses.read(tmp_path / "absent.parquet")


def test_spellings_are_encoded_in_parts_with_the_bytes_of_the_whole(tmp_path: Path) -> None:
    """There are several row groups, and some spellings occur in the last one only."""
    generator = np.random.default_rng(1)
    code = np.concatenate([generator.integers(0, 50, 10 * token_losses.ROWS), generator.integers(0, 90, 1000)])
    spellings = np.array([f"word {number} é" for number in range(90)], dtype=object)
    table = {"token": code.astype(np.int32), "surface": spellings[code]}
    tracemalloc.start()
    try:
        token_losses.write(table, tmp_path / "parts")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25e6  # the encoded strings of all rows would have 40 MB
    arrays = {"token": number_array(table["token"]), "surface": string_array(table["surface"].tolist())}
    whole = pa.table(arrays | {"surface": arrays["surface"].dictionary_encode()})
    options = {"compression": "zstd", "row_group_size": token_losses.ROWS, "write_page_checksum": True}
    pq.write_table(whole, tmp_path / "whole", store_schema=False, **options)
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_table_without_rows_is_written(tmp_path: Path) -> None:
    token_losses.write({"token": np.empty(0, np.int32), "surface": np.empty(0, object)}, tmp_path / "empty")
    assert len(token_losses.read(tmp_path / "empty")["surface"]) == 0
