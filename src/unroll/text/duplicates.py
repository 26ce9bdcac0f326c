"""Duplicates between splits: documents of an earlier split that also occur in a later one.

Exact copies have equal 64-bit hashes. Near copies are found by MinHash with banding (Broder 1997; Leskovec, Rajaraman
and Ullman, "Mining of Massive Datasets", section 3.4). The hashes or the 256-byte signatures of the later splits are
held in memory, and those of the earlier splits are read once.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from unroll.text.splits import TEST, TRAIN, VALID

Hashes = NDArray[np.uint64]
Mask = NDArray[np.bool_]
SplitCodes = NDArray[np.int8]

WORDS = re.compile(r"[^\W\d_]+")
ROWS, BANDS = 4, 16  # texts of similarity 0.8 share a band with probability 1 - (1 - 0.8^4)^16 = 0.9998
SIGNATURE = ROWS * BANDS
EMPTY = np.iinfo(np.uint32).max
"""The entries of the signature of a text without words."""
LATER_SPLITS = {TRAIN: (VALID, TEST), VALID: (TEST,)}


class HashIndex:
    """The distinct hashes of the documents of valid and test, 8 bytes for each of them."""

    def __init__(self, batches: Iterable[tuple[Hashes, SplitCodes]]) -> None:
        """Collect the hashes of the later splits.

        Args:
            batches: All documents in batches: their hashes and split codes.
        """
        found: dict[int, list[Hashes]] = {VALID: [], TEST: []}
        for hashes, splits in batches:
            for split, parts in found.items():
                parts.append(np.unique(hashes[splits == split]))
        unique = {split: np.unique(np.concatenate([np.empty(0, np.uint64), *parts])) for split, parts in found.items()}
        self._later = {
            split: np.unique(np.concatenate([unique[code] for code in later])) for split, later in LATER_SPLITS.items()
        }

    def find(self, hashes: Hashes, splits: SplitCodes) -> Mask:
        """Find the documents whose hash also occurs in a later split.

        Args:
            hashes: The hash of each document (N,).
            splits: The split code of each document (N,).

        Returns:
            Whether each document also occurs in a later split (N,).
        """
        found = np.zeros(len(hashes), dtype=bool)
        for split, later in self._later.items():
            rows = np.flatnonzero(splits == split)
            if len(later):
                at = np.minimum(np.searchsorted(later, hashes[rows]), len(later) - 1)
                found[rows] = later[at] == hashes[rows]
        return found


class SignatureIndex:
    """The H distinct signatures of valid and test, indexed by their bands."""

    def __init__(self, batches: Iterable[tuple[NDArray[np.uint32], SplitCodes]]) -> None:
        """Sort the signatures by the hash of each band.

        Args:
            batches: The documents of the later splits in batches: their signatures and split codes.
        """
        signatures, codes = [np.empty((0, SIGNATURE), np.uint32)], [np.empty(0, np.int8)]
        for batch, splits in batches:
            signatures.append(batch)
            codes.append(splits)
        labelled = np.column_stack([np.concatenate(codes).astype(np.uint32), np.concatenate(signatures)])
        labelled = np.unique(labelled[(labelled[:, 1:] != EMPTY).any(axis=1)], axis=0)
        self.splits, self.signatures = labelled[:, 0], np.ascontiguousarray(labelled[:, 1:])
        bands = _hash_bands(self.signatures)  # (H, BANDS)
        self.order = np.argsort(bands, axis=0, kind="stable")
        self.sorted = np.take_along_axis(bands, self.order, axis=0)

    def find(self, signatures: NDArray[np.uint32], splits: SplitCodes, similarity: float) -> Mask:
        """Find the documents that are similar to a document of a later split.

        Args:
            signatures: The signatures (N, SIGNATURE) of the documents.
            splits: The split code of each document (N,). Those of test have no later split.
            similarity: The minimum estimated Jaccard similarity.

        Returns:
            Whether each document is similar to a document of a later split (N,).
        """
        found = np.zeros(len(splits), dtype=bool)
        for split, later in LATER_SPLITS.items():
            rows = splits == split
            found[rows] = self.has_similar(signatures[rows], later, similarity)
        return found

    def has_similar(self, signatures: NDArray[np.uint32], splits: tuple[int, ...], similarity: float) -> Mask:
        """Test whether documents are similar to a document of other splits.

        Args:
            signatures: The signatures (N, SIGNATURE) of the documents.
            splits: The codes of the other splits.
            similarity: The minimum estimated Jaccard similarity.

        Returns:
            Whether each document has a similar one (N,).
        """
        found = np.zeros(len(signatures), dtype=bool)
        bands = _hash_bands(signatures)
        for band in range(BANDS):
            keys = self.sorted[:, band]
            first, last = (np.searchsorted(keys, bands[:, band], side=side) for side in ("left", "right"))
            for step in range(int((last - first).max(initial=0))):
                rows = np.flatnonzero((first + step < last) & ~found)
                others = self.order[first[rows] + step, band]
                similar = (signatures[rows] == self.signatures[others]).mean(axis=1) >= similarity
                found[rows[similar & np.isin(self.splits[others], splits)]] = True
        return found


def minhash(texts: list[str], words: int) -> NDArray[np.uint32]:
    """Compute the MinHash signatures of texts.

    The elements of a text's set are its shingles, the sequences of `words` successive words, without case, punctuation
    and digits. A shorter text is one shingle.

    Args:
        texts: The N texts.
        words: The number of words of a shingle.

    Returns:
        The signatures (N, SIGNATURE): the minima of SIGNATURE hash functions over the shingles. The entries of a text
        without words are EMPTY.
    """
    hashed = [[_hash_word(word) for word in WORDS.findall(text.casefold())] for text in texts]
    lengths = np.fromiter(map(len, hashed), np.int64, count=len(texts))
    signatures = np.full((len(texts), SIGNATURE), EMPTY, dtype=np.uint32)
    nonempty = np.flatnonzero(lengths)
    if not len(nonempty):
        return signatures
    stream = np.fromiter((value for row in hashed for value in row), np.uint64, count=int(lengths.sum()))
    shingles, starts = _hash_shingles(stream, lengths[nonempty], words)
    for column, (factor, shift) in enumerate(_permutations()):
        signatures[nonempty, column] = np.minimum.reduceat(_high_bits(shingles * factor + shift), starts)
    return signatures


@lru_cache(maxsize=1 << 18)
def _hash_word(word: str) -> int:
    return crc32(word.encode())


def _hash_shingles(stream: Hashes, lengths: NDArray[np.int64], words: int) -> tuple[Hashes, NDArray[np.int64]]:
    """Hash the shingles of documents.

    Args:
        stream: The hashes of the words of all documents end to end.
        lengths: The number of words of each document, at least 1.
        words: The number of words of a shingle.

    Returns:
        The hash of each shingle, and the number of each document's first shingle.
    """
    padded = np.concatenate([stream, np.zeros(words, np.uint64)])
    value = np.zeros(len(stream), np.uint64)
    begin = np.repeat(np.cumsum(lengths) - lengths, lengths)
    end = begin + np.repeat(lengths, lengths)
    position = np.arange(len(stream))
    for step in range(words):  # positions after the end of a document count as 0
        value = value * np.uint64(0x9E3779B97F4A7C15) + np.where(
            position + step < end, padded[step : step + len(stream)], 0
        )
    counts = np.maximum(lengths - words + 1, 1)
    inside = position - begin < np.repeat(counts, lengths)
    return _mix(value[inside]), np.cumsum(counts) - counts


def _permutations() -> Iterator[tuple[np.uint64, np.uint64]]:
    """Yield the factor and shift of each hash function. They are constants of the method, independent of `seed`."""
    generator = np.random.default_rng(0)
    for factor, shift in generator.integers(2**64, size=(SIGNATURE, 2), dtype=np.uint64):
        yield factor | np.uint64(1), shift


def _mix(values: Hashes) -> Hashes:
    """Spread the information of all bits: the finalizer of MurmurHash3."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    return (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)


def _high_bits(values: Hashes) -> NDArray[np.uint32]:
    return (values >> np.uint64(32)).astype(np.uint32)


def _hash_bands(signatures: NDArray[np.uint32]) -> Hashes:
    """Return the hashes (N, BANDS) of the bands of signatures (N, SIGNATURE)."""
    rows = signatures.reshape(len(signatures), BANDS, ROWS).astype(np.uint64)
    value = np.zeros(rows.shape[:2], np.uint64)
    for row in range(ROWS):
        value = _mix(value * np.uint64(0x9E3779B97F4A7C15) + rows[:, :, row])
    return value
