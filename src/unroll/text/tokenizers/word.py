"""Words and characters: tokens that are looked up in a list."""

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any
from unicodedata import category

import numpy as np

from unroll.params.tokenizers import CharTokenizerParams, WordTokenizerParams
from unroll.text.tokenizers.base import Stream, Texts, Tokenizer
from unroll.text.tokenizers.vocabulary import SPECIAL, UNK

MARKS = "".join(sign for sign in map(chr, range(0x300, 0x10000)) if category(sign).startswith("M"))
"""Vowel signs and accents of their own, which \\w lacks: without them a Hindi word would be no word. (Those above
U+FFFF would make the pattern ten times as slow.)"""
PUNCTUATION = re.compile(rf"[\w{MARKS}]+(?:['’][\w{MARKS}]+)*|[^\w\s{MARKS}]")
"""Words, with the apostrophes inside them (don't, zo'n), and every other sign alone."""
PIECES: dict[str, Callable[[str], list[str]]] = {"whitespace": str.split, "punctuation": PUNCTUATION.findall}


class ListTokenizer(Tokenizer):
    """Tokens are the pieces of a text that are in a list, by frequency; the others are <unk>."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = list(vocabulary)
        self._ids = {piece: token for token, piece in enumerate(self.vocabulary, len(SPECIAL))}

    @abstractmethod
    def split(self, text: str) -> Sequence[str]:
        """The pieces of a text."""

    @property
    def vocabulary_size(self) -> int:
        return len(SPECIAL) + len(self.vocabulary)

    def stream(self, texts: Sequence[str]) -> Stream:
        get = self._ids.get
        found = [[get(piece, UNK) for piece in self.split(text)] for text in texts]
        lengths = list(map(len, found))
        return np.fromiter(chain.from_iterable(found), np.int32, count=sum(lengths)), lengths

    def unknown(self, text: str) -> list[str]:
        return [piece for piece in self.split(text) if piece not in self._ids]

    def _token(self, token: int) -> str:
        return self.vocabulary[token - len(SPECIAL)]

    def _decode(self, ids: Sequence[int]) -> str:
        return self._joiner.join(map(self._token, ids))


class WordTokenizer(ListTokenizer):
    type = "word"
    _joiner = " "

    def __init__(self, vocabulary: Sequence[str], pieces: str) -> None:
        super().__init__(vocabulary)
        self.pieces = pieces

    def split(self, text: str) -> Sequence[str]:
        return PIECES[self.pieces](text)

    @classmethod
    def learn(cls, params: WordTokenizerParams, texts: Texts) -> "WordTokenizer":
        counts = _count(PIECES[params.pretokenizer], texts)
        size = len(counts) if params.vocabulary_size == "all" else params.vocabulary_size - len(SPECIAL)
        return cls(_frequent(counts, params.min_count)[:size], params.pretokenizer)

    def _state(self) -> dict[str, Any]:
        return {"pieces": self.pieces, "vocabulary": self.vocabulary}

    @classmethod
    def _restore(cls, state: dict[str, Any]) -> "WordTokenizer":
        return cls(state["vocabulary"], state["pieces"])


class CharTokenizer(ListTokenizer):
    type = "char"

    def split(self, text: str) -> Sequence[str]:
        return text

    @classmethod
    def learn(cls, params: CharTokenizerParams, texts: Texts) -> "CharTokenizer":
        return cls(_frequent(_count(iter, texts), params.min_count))

    def _state(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary}

    @classmethod
    def _restore(cls, state: dict[str, Any]) -> "CharTokenizer":
        return cls(state["vocabulary"])


def _count(split: Callable[[str], Iterable[str]], texts: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split(text))
    return counts


def _frequent(counts: Counter[str], min_count: int) -> list[str]:
    """Most frequent first; equals in the order of their code points, so that the order of the texts plays no part."""
    return sorted((piece for piece, n in counts.items() if n >= min_count), key=lambda piece: (-counts[piece], piece))
