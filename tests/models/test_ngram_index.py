"""Searches in tables of n-grams give what a search in lists of tuples gives."""

from itertools import product

import numpy as np
import pytest

from unroll.models.ngram.counting import count_ngrams
from unroll.models.ngram.index import MISSING, find_extensions, find_ngrams, match_ngrams
from unroll.text.tokenizers.vocabulary import BOS, EOS

SIZE, ORDER = 300, 4
"""With 300 tokens, keys do not fit the type of the tokens of a stream."""


def stream(seed: int, documents: int = 40) -> np.ndarray:
    generator = np.random.default_rng(seed)
    words = np.array([4, 5, 6, 297, 298, 299])
    texts = [words[generator.integers(6, size=length)] for length in generator.integers(0, 7, documents)]
    return np.concatenate([[BOS, *text, EOS] for text in texts]).astype(np.uint16)


KEYS = [table.keys for table in count_ngrams(stream(1), ORDER, SIZE)]


def grams(order: int) -> list[tuple[int, ...]]:
    """All k-grams of the table, in the order of their indices."""
    if order == 1:
        return [(token,) for token in range(SIZE)]
    shorter = grams(order - 1)
    return [(*shorter[int(key) // SIZE], int(key) % SIZE) for key in KEYS[order - 1]]


def seen(text: np.ndarray, order: int) -> set[tuple[int, ...]]:
    """The k-grams of a text that end with a token to predict, taken from it one by one."""
    windows = (tuple(text[end - order : end].tolist()) for end in range(order, len(text) + 1))
    return {window for window in windows if BOS not in window[1:]}


@pytest.mark.parametrize("order", range(2, ORDER + 1))
def test_the_table_has_the_ngrams_of_the_text(order: int) -> None:
    found = grams(order)
    assert found == sorted(found)
    assert set(found) == seen(stream(1), order)


@pytest.mark.parametrize("order", range(2, ORDER + 1))
def test_every_ngram_is_found_and_no_other(order: int) -> None:
    shorter, longer = grams(order - 1), grams(order)
    contexts = np.array([MISSING, *range(len(shorter))])
    pairs = list(product(contexts, [0, 3, 4, 5, 297, 299]))
    expected = [
        longer.index((*shorter[context], token)) if context >= 0 and (*shorter[context], token) in longer else MISSING
        for context, token in pairs
    ]
    found = find_ngrams(KEYS[order - 1], *(np.array(column) for column in zip(*pairs, strict=True)), SIZE)
    assert found.tolist() == expected
    assert found.dtype == np.int64
    assert MISSING in expected
    assert len(longer) - 1 in expected  # the last n-gram, behind which the table ends


def test_an_empty_table_has_no_ngram() -> None:
    empty = np.empty(0, np.int64)
    assert find_ngrams(empty, np.array([3, 4]), np.array([5, 6]), SIZE).tolist() == [MISSING, MISSING]
    rows, found = find_extensions(empty, np.array([3, MISSING]), SIZE)
    assert (rows.tolist(), found.tolist()) == ([], [])


def test_a_table_of_one_ngram_is_searched() -> None:
    found = find_ngrams(np.array([3 * SIZE + 5]), np.array([3, 3, 4]), np.array([5, 6, 5]), SIZE)
    assert found.tolist() == [0, MISSING, MISSING]


@pytest.mark.parametrize("type_", [np.uint16, np.int32, np.int64])
def test_the_ngrams_of_another_text_are_those_of_a_search_one_by_one(type_: type) -> None:
    text = stream(2).astype(type_)
    matches = list(match_ngrams(KEYS, text, SIZE))
    assert len(matches) == ORDER - 1
    for order, (at, contexts, index) in enumerate(matches, 2):
        shorter, longer = grams(order - 1), grams(order)
        expected = []
        for end in range(order, len(text) + 1):
            window = tuple(text[end - order : end].tolist())
            if BOS not in window[1:] and window[:-1] in shorter:
                expected.append(
                    (end - 1, shorter.index(window[:-1]), longer.index(window) if window in longer else MISSING)
                )
        assert list(zip(at.tolist(), contexts.tolist(), index.tolist(), strict=True)) == expected
        assert MISSING in index


@pytest.mark.parametrize("order", range(2, ORDER + 1))
def test_extensions_are_those_of_a_search_one_by_one(order: int) -> None:
    shorter, longer = grams(order - 1), grams(order)
    contexts = np.array([MISSING, len(shorter) - 1, 0, MISSING, *range(len(shorter)), 2, 2])
    rows, found = find_extensions(KEYS[order - 1], contexts, SIZE)
    expected = [
        (row, number)
        for row, context in enumerate(contexts)
        for number, gram in enumerate(longer)
        if context != MISSING and gram[:-1] == shorter[context]
    ]
    assert list(zip(rows.tolist(), found.tolist(), strict=True)) == expected
