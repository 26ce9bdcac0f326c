"""The counts of all n-grams of a text.

A long text is counted in shards of whole documents, order by order. Each shard writes its sorted counts to disk, and
they are merged in the order of the shards. So the memory for the text is that of a few shards; what remains is that of
the counts themselves, 33 bytes for each distinct n-gram.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from unroll.models.ngram.index import MISSING, Index
from unroll.shards import map_shards
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS

SHARD_TOKENS = 1 << 22
"""A shard ends before the document that begins at or after this number of tokens."""


@dataclass(frozen=True)
class NgramCounts:
    """The counts of all k-grams of one order in a text."""

    keys: Index
    """The sorted keys (N,), as in `NgramTable`."""
    contexts: Index
    """The indices (N,) of the first k - 1 tokens; for 1-grams 0, the empty context."""
    suffixes: Index
    """The indices (N,) of the last k - 1 tokens; for 1-grams the token."""
    counts: Index
    """The counts (N,)."""
    initial: NDArray[np.bool_]
    """Whether the k-gram begins with `<bos>` (N,), so that no token precedes it."""


class _Counts(NamedTuple):
    """The sorted keys of the k-grams of a text, with their counts and suffixes."""

    keys: Index
    counts: Index
    suffixes: Index


def count_ngrams(tokens: Ids, order: int, vocabulary_size: int, folder: Path | None = None) -> list[NgramCounts]:
    """Count the 1- to `order`-grams of a text.

    Args:
        tokens: Documents end to end, each after its `<bos>`, which is only counted as a context. No n-gram crosses a
            document border.
        order: The highest order.
        vocabulary_size: The size of the vocabulary.
        folder: The folder for temporary files of a text of several shards, or None for that of the system, which
            workers on other machines do not share.

    Returns:
        The counts of each order.
    """
    borders = divide(tokens)
    words = np.arange(vocabulary_size)
    counts = np.zeros(vocabulary_size, np.int64)
    for first, last in borders:
        counts += np.bincount(tokens[first:last], minlength=vocabulary_size)
    counts[BOS] = 0
    orders = [NgramCounts(words, np.zeros_like(words), words, counts, words == BOS)]
    if len(borders) > 1:
        with _temporary(folder) as temporary:
            for merged in _count_shards(tokens, borders, order, vocabulary_size, temporary):
                orders.append(_in_table(merged, orders[-1], vocabulary_size))
        return orders
    index = np.asarray(tokens, dtype=np.int64)
    for _ in range(2, order + 1):
        found, index = _extend(index, tokens, vocabulary_size)
        orders.append(_in_table(found, orders[-1], vocabulary_size))
    return orders


@contextmanager
def _temporary(folder: Path | None) -> Iterator[Path]:
    """Yield an empty folder, and remove it. What a killed process left in `folder` is removed, too."""
    if folder is None:
        with TemporaryDirectory() as name:
            yield Path(name)
        return
    counts = folder.absolute() / "counts"
    shutil.rmtree(counts, ignore_errors=True)
    counts.mkdir(parents=True)
    try:
        yield counts
    finally:
        shutil.rmtree(counts, ignore_errors=True)


def divide(tokens: Ids) -> list[tuple[int, int]]:
    """Divide a text into shards of whole documents, each of which begins with `<bos>`.

    Args:
        tokens: Documents end to end, each after its `<bos>`.

    Returns:
        The first token of each shard, and the one behind its last token. There is at least one shard.
    """
    borders = [0]
    while (start := borders[-1] + SHARD_TOKENS) < len(tokens):
        while start < len(tokens):
            begins = np.flatnonzero(tokens[start : start + SHARD_TOKENS] == BOS)
            if len(begins):
                break
            start += SHARD_TOKENS
        borders.append(start + int(begins[0]) if start < len(tokens) else len(tokens))
    if borders[-1] < len(tokens) or len(borders) == 1:
        borders.append(len(tokens))
    return list(pairwise(borders))


def _extend(index: Index, tokens: Ids, vocabulary_size: int) -> tuple[_Counts, Index]:
    """Count the k-grams of a text.

    Args:
        index: The index (T,) of the (k-1)-gram that ends at each position, or MISSING.
        tokens: The text (T,).
        vocabulary_size: The size of the vocabulary.

    Returns:
        The counts, and the number (T,) of the k-gram that ends at each position among these counts, or MISSING.
    """
    at = np.flatnonzero((index[:-1] != MISSING) & (tokens[1:] != BOS)) + 1
    keys, inverse, counts = np.unique(
        index[at - 1] * vocabulary_size + tokens[at], return_inverse=True, return_counts=True
    )
    suffixes = np.empty(len(keys), dtype=np.int64)
    suffixes[inverse] = index[at]
    extended = np.full(len(tokens), MISSING)
    extended[at] = inverse
    return _Counts(keys, counts, suffixes), extended


def _in_table(found: _Counts, shorter: NgramCounts, vocabulary_size: int) -> NgramCounts:
    contexts = found.keys // vocabulary_size
    return NgramCounts(found.keys, contexts, found.suffixes, found.counts, shorter.initial[contexts])


def _count_shards(
    tokens: Ids, borders: Sequence[tuple[int, int]], order: int, vocabulary_size: int, folder: Path
) -> Iterator[_Counts]:
    """Yield the merged counts of all shards for each order from 2 on."""
    earlier: list[Path | None] = [None] * len(borders)
    table = None
    for _ in range(2, order + 1):
        count = partial(_count_shard, folder, table, vocabulary_size)
        parts = ((path, np.asarray(tokens[a:b])) for path, (a, b) in zip(earlier, borders, strict=True))
        files: list[Path | None] = []
        with map_shards(count, parts) as results:
            merged = _merge(_remember(results, files))
        for path in (*earlier, table):
            if path is not None:
                path.unlink()
        table = folder / f"{uuid4().hex}.npy"
        np.save(table, merged.keys)
        earlier = files
        yield merged


def _remember(paths: Iterable[Path], seen: list[Path | None]) -> Iterator[_Counts]:
    for path in paths:
        seen.append(path)
        with np.load(path) as saved:
            yield _Counts(saved["keys"], saved["counts"], saved["suffixes"])


def _count_shard(folder: Path, table: Path | None, vocabulary_size: int, shard: tuple[Path | None, Ids]) -> Path:
    """Count the k-grams of a shard.

    Args:
        folder: The folder to write to. Each call writes a file of its own, also for a shard that is counted twice.
        table: The sorted keys of the (k-1)-grams of all shards; None for k = 2.
        vocabulary_size: The size of the vocabulary.
        shard: What this function wrote for the (k-1)-grams, and the tokens.

    Returns:
        The file with the counts.
    """
    earlier, tokens = shard
    index = np.asarray(tokens, dtype=np.int64)
    if earlier is not None and table is not None:
        with np.load(earlier) as saved:
            numbers = np.searchsorted(np.load(table, mmap_mode="r"), saved["keys"])  # from this shard to all shards
            index = np.append(numbers, MISSING)[saved["index"]]  # MISSING is the last position
    found, extended = _extend(index, tokens, vocabulary_size)
    path = folder / f"{uuid4().hex}.npz"
    np.savez(path, index=extended.astype(np.int32), **found._asdict())
    return path


def _merge(parts: Iterable[_Counts]) -> _Counts:
    """Add up counts. A table grows by at least half each time, so that few merges are made."""
    empty = np.empty(0, np.int64)
    total, waiting = _Counts(empty, empty, empty), list[_Counts]()
    for part in parts:
        waiting.append(part)
        if 2 * sum(len(other.keys) for other in waiting) >= len(total.keys):
            total, waiting = _add([total, *waiting]), []
    return _add([total, *waiting]) if waiting else total


def _add(parts: Sequence[_Counts]) -> _Counts:
    keys, counts, suffixes = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(keys, kind="stable")  # which merges sorted runs
    keys = keys[order]
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    return _Counts(keys[first], np.add.reduceat(counts[order], first), suffixes[order[first]])
