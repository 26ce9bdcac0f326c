"""Shapes of words: what characters a word has, and its last letters. They stand for unknown words in tagged text.

The kind of a word says whether it has a digit, only capitals, a first capital, a hyphen, or no letter at all, as in the
taggers of Brants (2000) and of Huang, Xu and Yu (2015). Its suffix is the longest one that is frequent enough.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from unroll.text.tokenizers.base import TrainingTexts
from unroll.text.tokenizers.word import ListTokenizer

KINDS: dict[str, Callable[[str], bool]] = {
    "digit": lambda word: any(map(str.isdigit, word)),
    "symbol": lambda word: not any(map(str.isalnum, word)),
    "capitals": lambda word: word.isupper() and len(word) > 1,
    "capital": lambda word: word[0].isupper(),
    "hyphen": lambda word: "-" in word,
}
"""The kinds of words in the order in which they are tested. Any other word is `plain`."""


class ShapeTokenizer(ListTokenizer):
    """The tokens of a text are the shapes of its words, such as `plain-ing`. White space separates words."""

    type = "shape"
    _separator = " "

    def __init__(self, vocabulary: Sequence[str], suffix_length: int) -> None:
        """Set the shapes.

        Args:
            vocabulary: The shapes in the order of their ids.
            suffix_length: The maximum number of letters of a suffix.
        """
        super().__init__(vocabulary)
        self.suffix_length = suffix_length

    def _split(self, text: str) -> list[str]:
        return list(map(self.shape, text.split()))

    def shape(self, word: str) -> str:
        """Return the shape of a word, with the longest suffix that is in the vocabulary."""
        shapes = possible_shapes(word, self.suffix_length)
        return next((shape for shape in shapes if shape in self._ids), shapes[-1])

    @classmethod
    def learn(cls, params: Any, texts: TrainingTexts) -> "ShapeTokenizer":
        """Learn the shapes of at least `suffix_min_count` different words, and those without a suffix."""
        counts = Counter[str]()
        for word in texts.count(_count_words):
            counts.update(possible_shapes(word, params.suffix_length))
        kept = {shape: n for shape, n in counts.items() if n >= params.suffix_min_count or not shape.partition("-")[2]}
        return cls(sorted(kept, key=lambda shape: (-kept[shape], shape)), params.suffix_length)

    def _state(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary, "suffix_length": self.suffix_length}

    @classmethod
    def _restore(cls, state: dict[str, Any]) -> "ShapeTokenizer":
        return cls(state["vocabulary"], state["suffix_length"])


def possible_shapes(word: str, suffix_length: int) -> list[str]:
    """Return the shapes of a word with each of its suffixes, the longest first, and without one, such as `plain-`."""
    kind = next((name for name, belongs in KINDS.items() if belongs(word)), "plain")
    letters = word.lower()
    longest = min(suffix_length, len(letters) - 1)  # a suffix is shorter than the word
    return [f"{kind}-{letters[len(letters) - n :]}" for n in range(longest, -1, -1)]


def _count_words(texts: Iterable[str]) -> Counter[str]:
    counts = Counter[str]()
    for text in texts:
        counts.update(text.split())
    return counts
