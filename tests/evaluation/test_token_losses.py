"""The table of losses: what is in it, the same bytes every time, damage noticed."""

from pathlib import Path

import numpy as np
import pytest

from unroll.errors import UnrollError
from unroll.evaluation import token_losses

DOCUMENTS = [np.asarray([5, 4, 2]), np.asarray([], dtype=int), np.asarray([4, 2])]
SCORES = [np.log([0.5, 0.25, 1.0]), np.empty(0), np.log([0.125, 0.5])]
SEEN = np.asarray([0, 0, 2, 0, 7, 1])


def table() -> dict[str, token_losses.Column]:
    return token_losses.table(DOCUMENTS, {"nats": SCORES, "cache_nats": SCORES}, SEEN, "abcdef".__getitem__)


def test_a_row_per_token_in_the_order_of_the_text(tmp_path: Path) -> None:
    token_losses.write(table(), tmp_path / "x.parquet")
    found = token_losses.read(tmp_path / "x.parquet")
    assert list(found) == ["document", "position", "token", "text", "seen", "nats", "cache_nats"]
    assert found["document"].tolist() == [0, 0, 0, 2, 2]
    assert found["position"].tolist() == [0, 1, 2, 0, 1]
    assert found["token"].tolist() == [5, 4, 2, 4, 2]
    assert found["text"].tolist() == ["f", "e", "c", "e", "c"]
    assert found["seen"].tolist() == [1, 7, 2, 7, 2]
    np.testing.assert_array_equal(found["nats"], -np.concatenate(SCORES))


def test_the_same_numbers_are_the_same_bytes(tmp_path: Path) -> None:
    assert token_losses.write(table(), tmp_path / "one.parquet") == token_losses.write(
        table(), tmp_path / "two.parquet"
    )


def test_damage_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    token_losses.write(table(), path)
    content = bytearray(path.read_bytes())
    content[60] ^= 1
    path.write_bytes(content)
    with pytest.raises(UnrollError, match="no readable losses"):
        token_losses.read(path)
    with pytest.raises(UnrollError, match="run `dvc repro`"):
        token_losses.read(tmp_path / "absent.parquet")
