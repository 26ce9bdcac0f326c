"""Artificial errors in held-out text: misspelled words, and n-best lists like those of a speech recogniser."""

import re
from collections.abc import Sequence

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from unroll.use.rescoring import NBest

LETTERS = "abcdefghijklmnopqrstuvwxyz"
REPLACEABLE, MISSPELLABLE = re.compile(r"[a-z]{4,}"), re.compile(r"[a-z]{2,}")
"""The words that a recogniser can replace, and those that can be misspelled."""
SPAN_WORDS, CANDIDATES = 16, 10
"""The number of words in a span, and of candidates in an n-best list."""
REPLACED = 0.35
"""The probability that a word of a candidate is replaced."""
MISSPELLED, TWO_ERRORS = 0.2, 0.2
"""The probability that a word is misspelled, and that a long misspelled word has two errors."""
LONG = 6
"""The smallest number of letters of a long word."""


def sample_spans(texts: Sequence[str], count: int, seed: int) -> list[list[str]]:
    """Draw spans of words from random places of the texts.

    Args:
        texts: The texts.
        count: The number of spans.
        seed: The random seed.

    Returns:
        The words of each span.
    """
    generator = np.random.default_rng(seed)
    long = [words for text in texts if len(words := text.split()) >= SPAN_WORDS]
    spans = []
    for index in generator.integers(len(long), size=count):
        first = int(generator.integers(len(long[index]) - SPAN_WORDS + 1))
        spans.append(long[index][first : first + SPAN_WORDS])
    return spans


def misspell(word: str, generator: np.random.Generator) -> str:
    """Insert, delete or replace one letter of a word, or swap two; some long words have two errors."""
    misspelled = word
    for _ in range(2 if len(word) >= LONG and generator.random() < TWO_ERRORS else 1):
        misspelled = _make_error(misspelled, generator)
    return misspelled if misspelled != word else misspell(word, generator)


def _make_error(word: str, generator: np.random.Generator) -> str:
    """Return a word with one edit at a random place."""
    at = int(generator.integers(len(word) - 1))
    letter = LETTERS[generator.integers(26)]
    return (
        word[:at] + letter + word[at:],
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    )[generator.integers(4)]


def misspell_text(words: Sequence[str], generator: np.random.Generator) -> list[str]:
    """Misspell random words. A misspelled word may be another word."""
    return [
        misspell(word, generator) if MISSPELLABLE.fullmatch(word) and generator.random() < MISSPELLED else word
        for word in words
    ]


def make_nbest_lists(references: Sequence[Sequence[str]], vocabulary: Sequence[str], seed: int) -> list[NBest]:
    """Make n-best lists whose candidates contain words of similar spelling instead of the right ones.

    Args:
        references: The words of each reference. It is the first candidate of its list.
        vocabulary: The words that are replaced, and their replacements. Other words stay, since an unknown word would
            compete with known ones.
        seed: The random seed.

    Returns:
        The lists. The score of a candidate falls with its number of errors, with much noise.
    """
    generator = np.random.default_rng(seed)
    similar: dict[str, list[str]] = {}
    replaceable = set(vocabulary)
    lists = []
    for number, words in enumerate(references):
        texts, scores = [], []
        for candidate in range(CANDIDATES):
            recognised = list(words)
            for at, word in enumerate(recognised):
                if word in replaceable and generator.random() < (REPLACED if candidate else 0):
                    others = similar.setdefault(word, _similar_words(word, vocabulary))
                    recognised[at] = str(generator.choice(others))
            errors = sum(a != b for a, b in zip(recognised, words, strict=True))
            texts.append(" ".join(recognised))
            scores.append(float(-errors / 2 + generator.normal(0, 2)))
        lists.append(NBest(str(number), texts, scores, " ".join(words)))
    return lists


def _similar_words(word: str, vocabulary: Sequence[str]) -> list[str]:
    """Return the words of the vocabulary with the most similar spelling."""
    near = process.extract(word, vocabulary, scorer=OSA.normalized_distance, limit=5)
    return [other for other, _, _ in near if other != word]
