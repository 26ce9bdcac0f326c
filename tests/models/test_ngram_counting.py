"""The counts of n-grams are the same for any borders of shards and any number of workers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unroll.models.ngram import counting
from unroll.models.ngram.counting import NgramCounts, count_ngrams
from unroll.text.tokenizers.vocabulary import BOS, EOS

TEXT = np.concatenate([[BOS, *np.random.default_rng(3).integers(4, 30, n % 23), EOS] for n in range(300)])
LONG = np.concatenate([TEXT, [BOS, *[4, 5] * 300, EOS], TEXT[:500]])
"""Documents of very different lengths."""


def same_counts(some: list[NgramCounts], others: list[NgramCounts]) -> bool:
    arrays = [[array for counts in orders for array in vars(counts).values()] for orders in (some, others)]
    pairs = zip(*arrays, strict=True)
    return all(np.array_equal(one, other) and one.dtype == other.dtype for one, other in pairs)


@pytest.mark.slow
@pytest.mark.parametrize("tokens", [LONG, LONG.astype(np.uint16), TEXT[:0], np.array([BOS, EOS] * 9)])
@pytest.mark.parametrize("size", [1, 100, 1000])
def test_shards_change_no_count(
    tokens: NDArray[Any], size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = count_ngrams(tokens, 5, 30)
    monkeypatch.setattr(counting, "SHARD_TOKENS", size)
    assert same_counts(count_ngrams(tokens, 5, 30, tmp_path / "checkpoints"), whole)
    assert not list(tmp_path.rglob("*.np*"))


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["2", "4"])
def test_workers_change_no_count(workers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = count_ngrams(LONG, 3, 30)
    monkeypatch.setattr(counting, "SHARD_TOKENS", 500)
    monkeypatch.setenv("UNROLL_WORKERS", workers)
    assert same_counts(count_ngrams(LONG, 3, 30, tmp_path), whole)


@pytest.mark.parametrize("size", [1, 7, 100, 10**6])
def test_shards_begin_with_documents(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "SHARD_TOKENS", size)
    borders = counting.divide(LONG)
    assert [0, *(last for _, last in borders)] == [*(first for first, _ in borders), len(LONG)]
    assert all(LONG[first] == BOS for first, _ in borders)
    assert all(last - first >= size for first, last in borders[:-1])
