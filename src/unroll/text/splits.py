"""Which split a document belongs to."""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from unroll.params.corpora import Splits

SPLITS = ("train", "valid", "test")
TRAIN, VALID, TEST = range(3)


def key(text: str) -> int:
    """64 bits of a hash of `text`: the same on every machine and in every year."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def by_hash(keys: NDArray[np.uint64], splits: Splits) -> NDArray[np.int8]:
    """The split of each key: equal texts never part, and adding documents moves no other."""
    share = keys / 2.0**64
    return np.where(share < splits.test, TEST, np.where(share < splits.test + splits.valid, VALID, TRAIN)).astype(
        np.int8
    )


def borders(characters: int, splits: Splits) -> tuple[int, int]:
    """Where valid and test begin in a corpus of so many characters: tinyshakespeare's test is what follows its first
    int(0.9 * 1115394)."""
    return int((1 - splits.valid - splits.test) * characters), int((1 - splits.test) * characters)


def by_position(lengths: NDArray[np.int64], splits: Splits) -> NDArray[np.int8]:
    """The split of each document by where it begins in the characters of them all."""
    begin = np.cumsum(lengths) - lengths
    valid, test = borders(int(lengths.sum()), splits)
    return np.where(begin >= test, TEST, np.where(begin >= valid, VALID, TRAIN)).astype(np.int8)
