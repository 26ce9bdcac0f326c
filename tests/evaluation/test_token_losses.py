"""The table of losses: its columns, the same bytes for the same numbers, and the error for a damaged file."""

from pathlib import Path

import numpy as np
import pytest

from unroll.errors import UnrollError
from unroll.evaluation import token_losses

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
