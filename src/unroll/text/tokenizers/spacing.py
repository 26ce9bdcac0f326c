"""A model of the white space that word tokenizers drop, so that a code of the tokens can be a code of the whole text.

A *gap* is the white space before, between or after the tokens of a document; it may be empty. Its distribution depends
on the classes of the two tokens beside it and on the previous gap:

    p(gap | left, right, previous), interpolated with p(gap | left, right), p(gap) and p(spelling of the gap)

by the method of Witten and Bell (1991): (c(gap) + t p'(gap)) / (n + t), where a context occurred n times with t
different gaps, and p' is the next distribution of the list. The spelling has a probability for each white space
character and for the end, so that every gap is possible.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

WHITE_SPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + ("\u2028\u2029\u202f\u205f\u3000")
)
"""The characters of gaps."""
END_OF_GAP, END_OF_TEXT, WORD = "end", "", "word"

Gap = tuple[str, str, str, str]
"""The class of the token on the left, that on the right, the previous gap, and the gap."""


class Spacing:
    """The distribution of the gaps of a text, given its tokens."""

    def __init__(self, counts: Mapping[Gap, int]) -> None:
        """Set the number of occurrences of each gap with its context."""
        self.counts = dict(sorted(counts.items()))
        self._tables: dict[tuple[str, ...], Counter[str]] = {}
        for (left, right, previous, gap), count in self.counts.items():
            for context in _contexts(left, right, previous):
                self._tables.setdefault(context, Counter())[gap] += count
        self._totals = {context: table.total() for context, table in self._tables.items()}
        # A gap is spelled where it is new, so each different gap counts once.
        self._characters = Counter({sign: 1 for sign in (*WHITE_SPACE, END_OF_GAP)})
        for gap in self._tables.get((), ()):
            self._characters.update([*gap, END_OF_GAP])
        self._cost = cache(lambda gap: -self.log_prob(*gap))

    def __reduce__(self) -> tuple[Any, ...]:
        return Spacing, (self.counts,)

    def bits(self, tokens: Sequence[str], gaps: Sequence[str]) -> float:
        """Compute the length of a code of the gaps of a document, given its tokens.

        Args:
            tokens: The n tokens.
            gaps: The n + 1 gaps: before the first token, between the tokens, and after the last one.

        Returns:
            The number of bits.
        """
        return math.fsum(map(self._cost, _in_context(tokens, gaps)))

    def log_prob(self, left: str, right: str, previous: str, gap: str) -> float:
        """Compute log2 p(gap | left, right, previous).

        Args:
            left: The class of the token on the left (`token_class`).
            right: The class of the token on the right.
            previous: The previous gap; "" before the first token.
            gap: A string of white space characters.

        Returns:
            The logarithm to base 2.
        """
        size = self._characters.total()
        log_p = math.fsum(math.log2(self._characters[sign] / size) for sign in (*gap, END_OF_GAP))
        for context in _contexts(left, right, previous):
            if (table := self._tables.get(context)) is not None:
                total, types = self._totals[context], len(table)
                seen = table[gap]  # without it the sum is a product, which does not underflow
                log_p = math.log2(seen + types * 2**log_p) if seen else math.log2(types) + log_p
                log_p -= math.log2(total + types)
        return log_p


def count_gaps(documents: Iterable[tuple[Sequence[str], Sequence[str]]]) -> Counter[Gap]:
    """Count the gaps of documents.

    Args:
        documents: The tokens and the gaps of each document.

    Returns:
        The number of occurrences of each gap with its context.
    """
    counts = Counter[Gap]()
    for tokens, gaps in documents:
        counts.update(_in_context(tokens, gaps))
    return counts


@lru_cache(maxsize=1 << 16)
def token_class(token: str) -> str:
    """Return the class of a token: a punctuation mark is its own class, and all other tokens are words."""
    return WORD if len(token) > 1 or token.isalnum() else token


def _contexts(left: str, right: str, previous: str) -> tuple[tuple[str, ...], ...]:
    """Return the contexts of a gap from the most general one to the most specific one."""
    return (), (left, right), (left, right, previous)


def _in_context(tokens: Sequence[str], gaps: Sequence[str]) -> Iterator[Gap]:
    classes = [END_OF_TEXT, *map(token_class, tokens), END_OF_TEXT]
    return zip(classes[:-1], classes[1:], ["", *gaps[:-1]], gaps, strict=True)
