"""Counts of all n-grams of a text."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.models.ngram.index import MISSING, Index
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS


@dataclass(frozen=True)
class NgramCounts:
    """The counts of all k-grams of one order in a text."""

    keys: Index
    """The sorted keys (N,); see `unroll.models.ngram.index`."""
    contexts: Index
    """The indices (N,) of the first k - 1 tokens; for 1-grams 0, the empty context."""
    suffixes: Index
    """The indices (N,) of the last k - 1 tokens; for 1-grams the token."""
    counts: Index
    """The counts (N,)."""
    initial: NDArray[np.bool_]
    """Whether the k-gram begins with `<bos>` (N,), so that no token precedes it."""


def count_ngrams(tokens: Ids, order: int, vocabulary_size: int) -> list[NgramCounts]:
    """Count the 1- to `order`-grams of a text.

    Args:
        tokens: Documents end to end, each after its `<bos>`, which is only counted as a context. No n-gram crosses a
            document border.
        order: The highest order.
        vocabulary_size: The size of the vocabulary.

    Returns:
        The counts of each order.
    """
    index, words = np.asarray(tokens, dtype=np.int64), np.arange(vocabulary_size)
    counts = np.bincount(index[index != BOS], minlength=vocabulary_size)
    orders = [NgramCounts(words, np.zeros_like(words), words, counts, words == BOS)]
    for _ in range(2, order + 1):
        at = np.flatnonzero((index[:-1] != MISSING) & (tokens[1:] != BOS)) + 1
        keys, inverse, counts = np.unique(
            index[at - 1] * vocabulary_size + tokens[at], return_inverse=True, return_counts=True
        )
        contexts, suffixes = keys // vocabulary_size, np.empty(len(keys), dtype=np.int64)
        suffixes[inverse] = index[at]
        orders.append(NgramCounts(keys, contexts, suffixes, counts, orders[-1].initial[contexts]))
        index = np.full(len(tokens), MISSING)
        index[at] = inverse
    return orders
