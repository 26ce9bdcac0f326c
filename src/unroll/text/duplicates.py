"""Documents that are in two splits: what a model has seen in train it must not be tested on.

Exact copies are found by the 64-bit hashes that stage clean keeps of every document. Near copies are found by MinHash
with banding (Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4): only the
signatures of the later splits are held in memory, 256 bytes a document, and the earlier ones stream past.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from unroll.params.corpora import NearDuplicates
from unroll.text.splits import TEST, TRAIN, VALID

Keys = NDArray[np.uint64]
Mask = NDArray[np.bool_]

WORDS = re.compile(r"[^\W\d_]+")
ROWS, BANDS = 4, 16  # copies of similarity 0.8 share a band with probability 1 - (1 - 0.8^4)^16 = 0.9998
SIGNATURE = ROWS * BANDS
LATER = {TRAIN: (VALID, TEST), VALID: (TEST,)}


def exact(keys: Keys, splits: NDArray[np.int8]) -> Mask:
    """Which documents are also in a later split."""
    found = np.zeros(len(keys), dtype=bool)
    for split, later in LATER.items():
        mine = splits == split
        found[mine] = np.isin(keys[mine], keys[np.isin(splits, later)])
    return found


def near(batches: Iterable[tuple[list[str], NDArray[np.int8]]], params: NearDuplicates, late: "Index") -> Mask:
    """Which documents, given in batches with their splits, resemble one of a later split, which `late` holds."""
    found: list[Mask] = []
    for texts, splits in batches:
        mask = np.zeros(len(texts), dtype=bool)
        early = np.flatnonzero(splits != TEST)
        signatures = minhash([texts[row] for row in early], params.words)
        for split in LATER:
            rows = splits[early] == split
            mask[early[rows]] = late.resembles(signatures[rows], LATER[split], params.similarity)
        found.append(mask)
    return np.concatenate(found) if found else np.zeros(0, dtype=bool)


class Index:
    """The distinct signatures of the later splits, by their bands."""

    def __init__(self, batches: Iterable[tuple[list[str], NDArray[np.int8]]], words: int) -> None:
        signatures, splits = [np.empty((0, SIGNATURE), np.uint32)], [np.empty(0, np.int8)]
        for texts, of in batches:
            rows = np.flatnonzero(of != TRAIN)
            signatures.append(minhash([texts[row] for row in rows], words))
            splits.append(of[rows])
        labelled = np.column_stack([np.concatenate(splits).astype(np.uint32), np.concatenate(signatures)])
        labelled = np.unique(labelled[(labelled[:, 1:] != EMPTY).any(axis=1)], axis=0)
        self.splits, self.signatures = labelled[:, 0], np.ascontiguousarray(labelled[:, 1:])
        bands = _bands(self.signatures)  # (H, BANDS)
        self.order = np.argsort(bands, axis=0, kind="stable")
        self.sorted = np.take_along_axis(bands, self.order, axis=0)

    def resembles(self, signatures: NDArray[np.uint32], splits: tuple[int, ...], similarity: float) -> Mask:
        """Which of the (N, SIGNATURE) have a document of `splits` of at least that estimated similarity."""
        found = np.zeros(len(signatures), dtype=bool)
        bands = _bands(signatures)
        for band in range(BANDS):
            keys = self.sorted[:, band]
            first, last = (np.searchsorted(keys, bands[:, band], side=side) for side in ("left", "right"))
            for step in range(int((last - first).max(initial=0))):
                rows = np.flatnonzero((first + step < last) & ~found)
                others = self.order[first[rows] + step, band]
                equal = (signatures[rows] == self.signatures[others]).mean(axis=1) >= similarity
                found[rows[equal & np.isin(self.splits[others], splits)]] = True
        return found


EMPTY = np.iinfo(np.uint32).max


def minhash(texts: list[str], words: int) -> NDArray[np.uint32]:
    """(N, SIGNATURE) minima of as many hashes of the runs of `words` words of each text; a shorter text is one run, and
    one without a word has EMPTY everywhere."""
    hashed = [[_hash(word) for word in WORDS.findall(text.casefold())] for text in texts]
    lengths = np.fromiter(map(len, hashed), np.int64, count=len(texts))
    signatures = np.full((len(texts), SIGNATURE), EMPTY, dtype=np.uint32)
    filled = np.flatnonzero(lengths)
    if not len(filled):
        return signatures
    stream = np.fromiter((value for row in hashed for value in row), np.uint64, count=int(lengths.sum()))
    runs, starts = _runs(stream, lengths[filled], words)
    for column, (factor, shift) in enumerate(_permutations()):
        signatures[filled, column] = np.minimum.reduceat(_mix(runs * factor + shift), starts)
    return signatures


@lru_cache(maxsize=1 << 18)
def _hash(word: str) -> int:
    return crc32(word.encode())


def _runs(stream: Keys, lengths: NDArray[np.int64], words: int) -> tuple[Keys, NDArray[np.int64]]:
    """A hash of every run of `words` words inside a document, and where each document's runs start."""
    padded = np.concatenate([stream, np.zeros(words, np.uint64)])
    value = np.zeros(len(stream), np.uint64)
    begin = np.repeat(np.cumsum(lengths) - lengths, lengths)
    end = begin + np.repeat(lengths, lengths)
    place = np.arange(len(stream))
    for step in range(words):  # a word beyond the end of its document counts as none
        value = value * np.uint64(0x9E3779B97F4A7C15) + np.where(
            place + step < end, padded[step : step + len(stream)], 0
        )
    kept = np.maximum(lengths - words + 1, 1)
    inside = place - begin < np.repeat(kept, lengths)
    return _spread(value[inside]), np.cumsum(kept) - kept


def _permutations() -> Iterator[tuple[np.uint64, np.uint64]]:
    generator = np.random.default_rng(0)  # the permutations are part of the method, not of the data's randomness
    for factor, shift in generator.integers(2**64, size=(SIGNATURE, 2), dtype=np.uint64):
        yield factor | np.uint64(1), shift


def _spread(values: Keys) -> Keys:
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)  # MurmurHash3's finaliser
    return (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)


def _mix(values: Keys) -> NDArray[np.uint32]:
    return (values >> np.uint64(32)).astype(np.uint32)


def _bands(signatures: NDArray[np.uint32]) -> Keys:
    """(N, BANDS) hashes of the bands of the signatures."""
    rows = signatures.reshape(len(signatures), BANDS, ROWS).astype(np.uint64)
    value = np.zeros(rows.shape[:2], np.uint64)
    for row in range(ROWS):
        value = _spread(value * np.uint64(0x9E3779B97F4A7C15) + rows[:, :, row])
    return value
