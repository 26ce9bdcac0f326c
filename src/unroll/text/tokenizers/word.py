"""Word and character tokenizers: a text is split into tokens, which are looked up in a list."""

import math
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any
from unicodedata import category

import numpy as np

from unroll.params.tokenizers import CharTokenizerParams, WordTokenizerParams
from unroll.text.tokenizers.base import FlatIds, Tokenizer, TrainingTexts
from unroll.text.tokenizers.spacing import Gap, Spacing, count_gaps
from unroll.text.tokenizers.unknown import UnknownWords
from unroll.text.tokenizers.vocabulary import SPECIAL, UNK

MARKS = "".join(character for character in map(chr, range(0x300, 0x10000)) if category(character).startswith("M"))
r"""Vowel signs and combining accents up to U+FFFF. `\w` does not match them, but they are part of words in Hindi and
other scripts."""
PUNCTUATION = re.compile(rf"[\w{MARKS}]+(?:['’][\w{MARKS}]+)*|[^\w\s{MARKS}]")
"""A word with its inner apostrophes (don't, zo'n), or one other character."""
Split = Callable[[str], list[str]]
PRETOKENIZERS: dict[str, Split] = {"whitespace": str.split, "punctuation": PUNCTUATION.findall}
GAPS: dict[str, Split] = {"whitespace": re.compile(r"\S+").split, "punctuation": PUNCTUATION.split}
"""How a text is split into the white space around the tokens."""


class ListTokenizer(Tokenizer):
    """Looks up the tokens of a text in a list, ordered by frequency. Tokens that it lacks are `<unk>`."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """Set the vocabulary.

        Args:
            vocabulary: The tokens that are not special, in the order of their ids.
        """
        self.vocabulary = list(vocabulary)
        self._ids = {token: number for number, token in enumerate(self.vocabulary, len(SPECIAL))}

    @abstractmethod
    def _split(self, text: str) -> Sequence[str]:
        """Split a text without the word that stands for unknown words into tokens."""

    def split(self, text: str) -> list[str]:
        """Split a text into tokens."""
        return _split(self._split, self.unknown, text)

    @property
    def vocabulary_size(self) -> int:
        """The number V of tokens, including the special ones."""
        return len(SPECIAL) + len(self.vocabulary)

    def _encode_flat(self, texts: Sequence[str]) -> FlatIds:
        get = self._ids.get
        ids = [[get(token, UNK) for token in self._split(text)] for text in texts]
        lengths = list(map(len, ids))
        return np.fromiter(chain.from_iterable(ids), np.int32, count=sum(lengths)), lengths

    def _unknown_tokens(self, text: str) -> list[str]:
        return [token for token in self._split(text) if token not in self._ids]

    def _spelling(self, token: int) -> str:
        return self.vocabulary[token - len(SPECIAL)]

    def _decode(self, ids: Sequence[int]) -> str:
        return self._separator.join(map(self._spelling, ids))


class WordTokenizer(ListTokenizer):
    """Tokens are words."""

    type = "word"
    _separator = " "

    def __init__(self, vocabulary: Sequence[str], pretokenizer: str) -> None:
        """Set the vocabulary and the rule that splits a text into words.

        Args:
            vocabulary: The words in the order of their ids.
            pretokenizer: A key of `PRETOKENIZERS`.
        """
        super().__init__(vocabulary)
        self.pretokenizer = pretokenizer

    def gaps(self, text: str) -> list[str]:
        """Return the white space before, between and after the words of a text."""
        return _gaps(self.pretokenizer, self.unknown, text)

    def spacing_bits(self, text: str) -> float:
        """Return the length of a code of the gaps of a text in bits; NaN without a model of them."""
        return math.nan if self.spacing is None else self.spacing.bits(self.split(text), self.gaps(text))

    def learn_code(self, texts: TrainingTexts, word: str | None) -> None:
        """Learn the code of unknown words and of gaps."""
        super().learn_code(texts, word)
        self.spacing = Spacing(texts.count(partial(_count_gaps, self.pretokenizer, self.unknown)))

    def _split(self, text: str) -> list[str]:
        return PRETOKENIZERS[self.pretokenizer](text)

    @classmethod
    def learn(cls, params: WordTokenizerParams, texts: TrainingTexts) -> "WordTokenizer":
        """Learn the vocabulary: the most frequent words of the texts."""
        counts = texts.count(partial(_count_words, params.pretokenizer))
        size = len(counts) if params.vocabulary_size == "all" else params.vocabulary_size - len(SPECIAL)
        return cls(_frequent(counts, params.min_count)[:size], params.pretokenizer)

    def _state(self) -> dict[str, Any]:
        return {"pretokenizer": self.pretokenizer, "vocabulary": self.vocabulary}

    @classmethod
    def _restore(cls, state: dict[str, Any]) -> "WordTokenizer":
        return cls(state["vocabulary"], state["pretokenizer"])


class CharTokenizer(ListTokenizer):
    """Tokens are Unicode characters."""

    type = "char"

    def _split(self, text: str) -> Sequence[str]:
        return text

    @classmethod
    def learn(cls, params: CharTokenizerParams, texts: TrainingTexts) -> "CharTokenizer":
        """Learn the vocabulary: the characters of the texts that occur often enough."""
        return cls(_frequent(texts.count(count_characters), params.min_count))

    def _state(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary}

    @classmethod
    def _restore(cls, state: dict[str, Any]) -> "CharTokenizer":
        return cls(state["vocabulary"])


def _split(split: Callable[[str], Sequence[str]], unknown: UnknownWords, text: str) -> list[str]:
    """Split a text into tokens; the word that stands for unknown words is one of them."""
    first, *others = map(split, unknown.split(text))
    return [*first, *chain.from_iterable([str(unknown.word), *part] for part in others)]


def _gaps(pretokenizer: str, unknown: UnknownWords, text: str) -> list[str]:
    return list(chain.from_iterable(map(GAPS[pretokenizer], unknown.split(text))))


def _count_words(pretokenizer: str, texts: Iterable[str]) -> Counter[str]:
    split, counts = PRETOKENIZERS[pretokenizer], Counter[str]()
    for text in texts:
        counts.update(split(text))
    return counts


def count_characters(texts: Iterable[str]) -> Counter[str]:
    """Count the occurrences of each character in texts."""
    counts = Counter[str]()
    for text in texts:
        counts.update(text)
    return counts


def _count_gaps(pretokenizer: str, unknown: UnknownWords, texts: Iterable[str]) -> Counter[Gap]:
    split = PRETOKENIZERS[pretokenizer]
    return count_gaps((_split(split, unknown, text), _gaps(pretokenizer, unknown, text)) for text in texts)


def _frequent(counts: Counter[str], min_count: int) -> list[str]:
    """Return the tokens by descending frequency; those of equal frequency are in the order of their code points."""
    return sorted((token for token, n in counts.items() if n >= min_count), key=lambda token: (-counts[token], token))
