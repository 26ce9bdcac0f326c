"""Fixed noise over held-out text: misspelt words, and n-best lists as a recogniser might give them."""

import re
from collections.abc import Sequence

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from unroll.use.rescoring import NBest

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PLAIN, LETTERED = re.compile(r"[a-z]{4,}"), re.compile(r"[a-z]{2,}")
SPAN, CANDIDATES, WRONG = 16, 10, 0.35
"""Words of a span; candidates of a list; share of a candidate's words that are misheard."""
MISTAKEN, LONG, TWICE = 0.2, 6, 0.2
"""Share of words that are misspelt; letters of a word that may be misspelt twice, and how often it is."""


def spans(texts: Sequence[str], count: int, seed: int) -> list[list[str]]:
    """Stretches of words from anywhere in the texts."""
    generator = np.random.default_rng(seed)
    long = [words for text in texts if len(words := text.split()) >= SPAN]
    found = []
    for index in generator.integers(len(long), size=count):
        first = int(generator.integers(len(long[index]) - SPAN + 1))
        found.append(long[index][first : first + SPAN])
    return found


def misspelt(word: str, generator: np.random.Generator) -> str:
    """One letter inserted, left out, replaced or swapped with the next; in a long word, now and then two of them."""
    wrong = word
    for _ in range(2 if len(word) >= LONG and generator.random() < TWICE else 1):
        wrong = _mistake(wrong, generator)
    return wrong if wrong != word else misspelt(word, generator)


def _mistake(word: str, generator: np.random.Generator) -> str:
    at = int(generator.integers(len(word) - 1))
    letter = LETTERS[generator.integers(26)]
    return (
        word[:at] + letter + word[at:],
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    )[generator.integers(4)]


def typed(words: Sequence[str], generator: np.random.Generator) -> list[str]:
    """The words as someone hasty types them: any of letters alone may be misspelt, and may become another word."""
    return [
        misspelt(word, generator) if LETTERED.fullmatch(word) and generator.random() < MISTAKEN else word
        for word in words
    ]


def lists(references: Sequence[Sequence[str]], vocabulary: Sequence[str], seed: int) -> list[NBest]:
    """Candidates with words taken for others of like spelling; their own scores know the truth only roughly."""
    generator = np.random.default_rng(seed)
    alike: dict[str, list[str]] = {}
    known = set(vocabulary)  # only its words are misheard: else a right but unknown word competes with known ones
    found = []
    for number, words in enumerate(references):
        texts, scores = [], []
        for candidate in range(CANDIDATES):
            heard = list(words)
            for at, word in enumerate(heard):
                if word in known and generator.random() < (WRONG if candidate else 0):
                    heard[at] = str(generator.choice(alike.setdefault(word, _alike(word, vocabulary))))
            wrong = sum(a != b for a, b in zip(heard, words, strict=True))
            texts.append(" ".join(heard))
            scores.append(float(-wrong / 2 + generator.normal(0, 2)))
        found.append(NBest(str(number), texts, scores, " ".join(words)))
    return found


def _alike(word: str, vocabulary: Sequence[str]) -> list[str]:
    near = process.extract(word, vocabulary, scorer=OSA.normalized_distance, limit=5)
    return [other for other, _, _ in near if other != word]
