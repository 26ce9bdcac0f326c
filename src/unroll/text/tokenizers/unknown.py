"""Unknown words: the word that stands for them in a prepared corpus, and the code of their spellings."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

BITS_PER_BYTE = 8.0
"""The bits of each byte of the spelling of an unknown word, and of its end."""


@dataclass(frozen=True)
class UnknownWords:
    """The code of what an `<unk>` stands for.

    Prepared corpora such as the Penn Treebank have a word, "<unk>", in the place of rare words. Every tokenizer encodes
    this word as the token `<unk>` where it stands between white space. The code of an `<unk>` first says whether it is
    this word, with the probability (replaced + 1/2) / (replaced + others + 1) of Krichevsky and Trofimov (1981). Any
    other unknown token is spelled, with 8 bits for each byte and for its end.
    """

    word: str | None = None
    """The word that stands for unknown words in the corpus; None if there is no such word."""
    replaced: int = 0
    """The number of occurrences of this word in the train split."""
    others: int = 0
    """The number of other unknown tokens in the train split."""

    def split(self, text: str) -> list[str]:
        """Return the parts of a text before, between and after the occurrences of the word."""
        return [text] if self._pattern is None else self._pattern.split(text)

    def bits(self, unknown_tokens: Sequence[str]) -> float:
        """Compute the length of a code of unknown tokens in bits, given that they are unknown."""
        spelled = [token for token in unknown_tokens if token != self.word]
        bits = BITS_PER_BYTE * sum(len(token.encode()) + 1 for token in spelled)
        if self.word is None:
            return bits
        total = self.replaced + self.others + 1
        bits -= (len(unknown_tokens) - len(spelled)) * math.log2((self.replaced + 0.5) / total)
        return bits - len(spelled) * math.log2((self.others + 0.5) / total)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if self.word is None:
            return None
        word = re.escape(self.word)
        return re.compile(rf"{word}(?<!\S{word})(?!\S)")  # the word first, since literal prefixes are found quickly
