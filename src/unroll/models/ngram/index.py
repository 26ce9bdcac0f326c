"""Sorted tables of n-grams, and how they are searched.

Each n-gram has an *index*. The k-grams are sorted by key = (index of their first k - 1 tokens) * V + last token. The
index of a 1-gram is its token, and -1 stands for a missing n-gram. So one binary search per order finds the k-gram that
ends at each position of a whole corpus.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS

Index = NDArray[np.int64]
MISSING = -1


@dataclass(frozen=True)
class NgramTable:
    """All k-grams of one order in a model."""

    keys: Index
    """The sorted keys (N,)."""
    log_probs: NDArray[np.float32]
    """The logarithms of p_k(last token | the tokens before it), (N,)."""
    log_backoffs: NDArray[np.float32]
    """The logarithms of gamma, of each k-gram as a context, (N,); empty in the highest order."""


def find_ngrams(keys: Index, contexts: Index, tokens: Ids, vocabulary_size: int) -> Index:
    """Find k-grams.

    Args:
        keys: The sorted keys of all k-grams.
        contexts: The indices (N,) of the first k - 1 tokens of the k-grams to find.
        tokens: The last tokens (N,) of the k-grams to find.
        vocabulary_size: The size of the vocabulary.

    Returns:
        The indices (N,) of the k-grams, or MISSING.
    """
    if len(keys) == 0:
        return np.full(len(contexts), MISSING)
    wanted = contexts * vocabulary_size + tokens
    order, at = np.argsort(wanted), np.empty(len(wanted), dtype=np.int64)
    at[order] = np.searchsorted(keys, wanted[order])  # sorted searches use the processor's cache better
    at = np.minimum(at, len(keys) - 1)
    return np.where(keys[at] == wanted, at, MISSING)  # a missing context makes `wanted` negative, and no key is


def match_ngrams(keys: Sequence[Index], tokens: Ids, vocabulary_size: int) -> Iterator[tuple[Index, Index, Index]]:
    """Find the n-grams that end at each position of a text.

    Args:
        keys: The sorted keys of the k-grams, for each order k.
        tokens: Documents end to end, each after its `<bos>`.
        vocabulary_size: The size of the vocabulary.

    Yields:
        For each order from 2 on, three arrays: the positions of `tokens` whose context is in the table, the indices of
        these contexts, and the indices of the k-grams that end at these positions, or MISSING.
    """
    index = np.asarray(tokens, dtype=np.int64)  # of the (k-1)-gram that ends at each position
    for k in range(1, len(keys)):
        at = np.flatnonzero((index[:-1] != MISSING) & (tokens[1:] != BOS)) + 1
        contexts = index[at - 1]
        found = find_ngrams(keys[k], contexts, tokens[at], vocabulary_size)
        yield at, contexts, found
        index = np.full(len(tokens), MISSING)
        index[at] = found


def find_extensions(keys: Index, contexts: Index, vocabulary_size: int) -> tuple[Index, Index]:
    """Find all k-grams that extend given (k-1)-grams by one token.

    Args:
        keys: The sorted keys of all k-grams.
        contexts: The indices (B,) of the (k-1)-grams, or MISSING.
        vocabulary_size: The size of the vocabulary.

    Returns:
        Two arrays: the row of the context that each found k-gram extends, and the index of this k-gram.
    """
    first = np.searchsorted(keys, contexts * vocabulary_size)
    many = np.searchsorted(keys, (contexts + 1) * vocabulary_size) - first  # 0 if missing: no key is negative
    row = np.repeat(np.arange(len(contexts)), many)
    return row, np.arange(len(row)) + np.repeat(first - np.cumsum(many) + many, many)
