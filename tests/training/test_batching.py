"""Subsequences and batches; the worked example is of Zhang et al. 2023, Dive into Deep Learning, section 9.3."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unroll.errors import UnrollError
from unroll.text.streams import Stream, stream_of
from unroll.training.batching import (
    Batches,
    bucketed_batches,
    contiguous_batches,
    epoch_plan,
    padding_share,
    shuffled_batches,
    subsequences,
)


def test_five_pairs_of_length_five_after_dropping_two() -> None:
    """n = 5, d = 2: the first two tokens are dropped, and each target is its input shifted by one."""
    x, y = subsequences(np.arange(30), 2, 5)
    assert x.tolist() == [
        [2, 3, 4, 5, 6],
        [7, 8, 9, 10, 11],
        [12, 13, 14, 15, 16],
        [17, 18, 19, 20, 21],
        [22, 23, 24, 25, 26],
    ]
    np.testing.assert_array_equal(y, x + 1)


@given(seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 100), tokens=st.integers(2, 500), n=st.integers(1, 40))
def test_the_plan_of_an_epoch(seed: int, epoch: int, tokens: int, n: int) -> None:
    offset, count = epoch_plan(seed, epoch, tokens, n)
    assert 0 <= offset < n
    assert count == max(0, (tokens - offset - 1) // n)
    assert (offset, count) == epoch_plan(seed, epoch, tokens, n)
    if tokens >= 2 * n:
        assert count >= 1


def test_every_offset_is_drawn_about_equally_often() -> None:
    drawn = np.bincount([epoch_plan(7, epoch, 100, 5)[0] for epoch in range(5000)])
    assert len(drawn) == 5
    assert abs(drawn - 1000).max() < 150  # more than five deviations


def stream(size: int) -> Stream:
    return Stream(np.arange(size), np.array([0, size]))


@pytest.mark.slow
@given(size=st.integers(20, 300), n=st.integers(1, 10), batch=st.integers(1, 9), epoch=st.integers(0, 5))
def test_shuffled_batches_are_all_subsequences_once(size: int, n: int, batch: int, epoch: int) -> None:
    batches = list(shuffled_batches(stream(size), n, batch, 1, epoch))
    offset, count = epoch_plan(1, epoch, size, n)
    starts = sorted(int(row[0]) for x, _ in batches for row in x)
    assert starts == [offset + n * row for row in range(count)]
    for x, y in batches:
        assert x.shape == y.shape == (len(x), n)
        assert len(x) <= batch
        np.testing.assert_array_equal(y, x + 1)


@pytest.mark.slow
@given(size=st.integers(40, 300), n=st.integers(1, 10), batch=st.integers(1, 9), epoch=st.integers(0, 5))
def test_contiguous_batches_go_on_where_the_last_ended(size: int, n: int, batch: int, epoch: int) -> None:
    batches = list(contiguous_batches(stream(size), n, batch, 1, epoch))
    for x, y in batches:
        np.testing.assert_array_equal(y, x + 1)
    for (x, _), (after, _) in pairwise(batches):
        np.testing.assert_array_equal(after[:, 0], x[:, -1] + 1)
    read = np.sort(np.concatenate([x.ravel() for x, _ in batches]))
    offset = epoch_plan(1, epoch, size, n)[0]
    np.testing.assert_array_equal(read, np.arange(offset, offset + len(read)))
    assert size - offset - 1 - len(read) < batch


def test_a_stream_with_fewer_tokens_than_rows_is_refused() -> None:
    stream = stream_of([np.arange(4, 14)], 20)
    with pytest.raises(
        UnrollError,
        match=r"^12 tokens are too few for 32 rows; lower batch_size, set batching to shuffled, or add more text$",
    ):
        list(contiguous_batches(stream, 4, 32, 1, 0))


@pytest.mark.parametrize("draw", [shuffled_batches, contiguous_batches])
@pytest.mark.parametrize("tokens", [1, 2, 5])
def test_a_stream_that_is_shorter_than_its_offset_has_no_batch(draw: Any, tokens: int) -> None:
    """Of a subsequence of 40 tokens, up to 39 tokens are dropped."""
    for epoch in range(20):
        if epoch_plan(1, epoch, tokens, 40)[0] + 1 >= tokens:
            if draw is shuffled_batches:
                assert [*draw(stream(tokens), 40, 2, 1, epoch)] == []
            else:
                with pytest.raises(UnrollError, match=f"^{tokens} tokens are too few for 2 rows"):
                    next(draw(stream(tokens), 40, 2, 1, epoch))


def test_the_smallest_stream_for_its_rows_has_one_batch() -> None:
    """With n = 1 nothing is dropped, so 8 rows need 8 tokens and the target of the last one."""
    ((x, y),) = contiguous_batches(stream(9), 1, 8, 1, 0)
    assert (x.ravel().tolist(), y.ravel().tolist()) == ([*range(8)], [*range(1, 9)])
    with pytest.raises(UnrollError, match="8 tokens are too few"):
        next(contiguous_batches(stream(8), 1, 8, 1, 0))


def test_epochs_differ_and_repeat() -> None:
    first, second, again = (
        [x.tolist() for x, _ in shuffled_batches(stream(200), 5, 8, 1, epoch)] for epoch in (0, 1, 0)
    )
    assert first == again != second


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=200), st.integers(1, 20))
def test_bucketed_batches_hold_every_row_once(lengths: list[tuple[int, int]], size: int) -> None:
    table = np.array(lengths)
    batches = bucketed_batches(table, size, 1, 0)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert max(map(len, batches)) <= size
    assert all(len(set(table[rows, 0])) == 1 for rows in batches)
    counts = np.bincount(table[:, 0])
    assert all(counts[table[rows[0], 0]] == len(rows) for rows in batches if len(rows) < size / 2)
    assert len(batches) == sum(-(-count // size) for count in counts)
    for one, two in zip(batches, bucketed_batches(table, size, 1, 0), strict=True):
        np.testing.assert_array_equal(one, two)


def test_no_rows_make_no_batches() -> None:
    assert bucketed_batches(np.empty((0, 2), dtype=np.int64), 4, 1, 0) == []


def test_buckets_save_padding() -> None:
    lengths = np.random.default_rng(1).integers(1, 50, size=(2000, 1)) + np.array([[0, 3]])
    whole = [np.arange(first, first + 50) for first in range(0, 2000, 50)]
    assert padding_share(lengths, whole) > 0.4
    assert padding_share(lengths, bucketed_batches(lengths, 50, 1, 0)) < 0.05


def test_padding_by_hand() -> None:
    lengths = np.array([[1, 2], [3, 4], [5, 5]])
    assert padding_share(lengths, [np.array([0, 1]), np.array([2])]) == 1 - 20 / 24


def test_the_rows_of_a_length_are_divided_evenly() -> None:
    """33 rows of length 3 and 1 of length 4, where a sorted list would be cut to 32 and 1 + 1."""
    lengths = np.array([[3, 5]] * 33 + [[4, 5]])
    assert sorted(map(len, bucketed_batches(lengths, 32, 1, 0))) == [1, 16, 17]


def test_similar_lengths_of_the_other_sides_are_in_one_batch() -> None:
    """The rows of one first length are sorted by the second, then by the third length."""
    lengths = np.array([[7, a, b] for a in (30, 10, 20) for b in (3, 1, 2) for _ in range(4)])
    batches = bucketed_batches(lengths, 4, 1, 0)
    assert sorted(lengths[rows].tolist() for rows in batches) == [
        [[7, a, b]] * 4 for a in (10, 20, 30) for b in (1, 2, 3)
    ]


def test_batches_and_rows_of_equal_length_are_shuffled() -> None:
    lengths = np.array([[1 + row // 50] for row in range(200)])
    first, second, again = (bucketed_batches(lengths, 50, 1, epoch) for epoch in (0, 1, 0))
    orders = [np.concatenate(batches).tolist() for batches in (first, second, again)]
    assert orders[0] == orders[2] != orders[1]
    assert all(rows.tolist() != sorted(rows) for rows in first)
    assert len({tuple(int(lengths[rows[0], 0]) for rows in bucketed_batches(lengths, 50, 1, e)) for e in range(9)}) > 1
    assert np.concatenate(bucketed_batches(lengths, 50, 2, 0)).tolist() != orders[0]


def test_no_batches_have_no_padding() -> None:
    assert padding_share(np.empty((0, 2), np.int64), []) == 0


def test_batches_for_a_gpu_are_in_pinned_memory() -> None:
    """For a CPU they are passed on as they are."""

    class Part:
        def __init__(self, pinned: bool = False) -> None:
            self.pinned = pinned

        def pin_memory(self) -> "Part":
            return Part(True)

    parts = [(Part(), Part()), (Part(),)]
    for device, pinned in (("cpu", False), ("cuda", True)):
        batches = Batches(parts, 2, torch.device(device))
        assert len(batches) == 2
        assert [[part.pinned for part in batch] for batch in batches] == [[pinned] * 2, [pinned]]
