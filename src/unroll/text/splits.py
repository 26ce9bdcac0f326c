"""The assignment of documents to the splits train, valid and test."""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from unroll.params.cleaning import Splits

TRAIN, VALID, TEST = range(3)
"""Split codes: indices into `unroll.text.streams.SPLITS`."""


def hash_text(text: str) -> int:
    """Return a 64-bit hash of a text that does not depend on the machine or the Python version."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def assign_by_hash(hashes: NDArray[np.uint64], splits: Splits) -> NDArray[np.int8]:
    """Assign documents to splits by the hashes of their texts.

    Equal texts are assigned to the same split, and adding documents does not move other documents.

    Args:
        hashes: The hash of each document (N,).
        splits: The shares of valid and test.

    Returns:
        The split code of each document (N,).
    """
    share = hashes / 2.0**64
    return np.where(share < splits.test, TEST, np.where(share < splits.test + splits.valid, VALID, TRAIN)).astype(
        np.int8
    )


def complete_splits(
    source: NDArray[np.int8], hashes: NDArray[np.uint64], splits: Splits, has_valid: bool
) -> NDArray[np.int8]:
    """Take a valid split from the train split of a source that defines none.

    Args:
        source: The split code that the source defines for each document (N,).
        hashes: The hash of each document (N,).
        splits: The share of valid.
        has_valid: Whether the source defines a valid split, so that there is nothing to do.

    Returns:
        The split code of each document (N,).
    """
    chosen = (source == TRAIN) & (hashes / 2.0**64 < splits.valid)
    return source if has_valid else np.where(chosen, VALID, source).astype(np.int8)


def split_starts(characters: int, splits: Splits) -> tuple[int, int]:
    """Compute where valid and test begin, as the standard split of tinyshakespeare does: int(0.9 * characters).

    Args:
        characters: The number of characters of the corpus.
        splits: The shares of valid and test.

    Returns:
        The first character of valid and the first character of test.
    """
    return int((1 - splits.valid - splits.test) * characters), int((1 - splits.test) * characters)


def assign_by_position(starts: NDArray[np.int64], characters: int, splits: Splits) -> NDArray[np.int8]:
    """Assign documents to splits by the position of their first character in the corpus.

    Args:
        starts: The position of the first character of each document (N,).
        characters: The number of characters of the corpus.
        splits: The shares of valid and test.

    Returns:
        The split code of each document (N,).
    """
    valid, test = split_starts(characters, splits)
    return np.where(starts >= test, TEST, np.where(starts >= valid, VALID, TRAIN)).astype(np.int8)
