"""Counts of co-occurrences, in which a word at distance d counts 1 / d (Pennington, Socher and Manning 2014)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.text.streams import Stream
from unroll.text.tokenizers.vocabulary import BOS


@dataclass(frozen=True)
class Cooccurrences:
    """The pairs of a word and a context word that co-occur, by word and then by context word."""

    words: NDArray[np.int64]
    """i, (N,)."""
    contexts: NDArray[np.int64]
    """j, (N,)."""
    counts: NDArray[np.float64]
    """X_ij, (N,)."""


def count(stream: Stream, vocabulary_size: int, window: int, symmetric: bool) -> Cooccurrences:
    """Count the co-occurrences of a text.

    Args:
        stream: The text. Words of different documents do not co-occur.
        vocabulary_size: The number of tokens, V.
        window: The largest distance.
        symmetric: Whether the context of a word has both sides; otherwise it has the left side only.

    Returns:
        The co-occurrences.
    """
    lengths = np.diff(stream.offsets) - 1
    tokens = stream.tokens[stream.tokens != BOS].astype(np.int64)
    documents = np.repeat(np.arange(len(lengths)), lengths)
    keys, counts = np.zeros(0, np.int64), np.zeros(0)
    for distance in range(1, window + 1):
        same = documents[distance:] == documents[:-distance]
        words, contexts = tokens[distance:][same], tokens[:-distance][same]
        found, times = np.unique(words * vocabulary_size + contexts, return_counts=True)
        keys, counts = _add(np.concatenate([keys, found]), np.concatenate([counts, times / distance]))
    if symmetric:
        swapped = keys % vocabulary_size * vocabulary_size + keys // vocabulary_size
        keys, counts = _add(np.concatenate([keys, swapped]), np.concatenate([counts, counts]))
    return Cooccurrences(keys // vocabulary_size, keys % vocabulary_size, counts)


def _add(keys: NDArray[np.int64], counts: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return every key once, in ascending order, with the sum of its counts."""
    unique, places = np.unique(keys, return_inverse=True)
    return unique, np.bincount(places, counts, len(unique)).astype(np.float64)  # of no keys, it counts in integers
