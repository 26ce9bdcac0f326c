"""`tokens`: how text becomes ids and subsequences (stages tokenize and partition)."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Count, Name, Params, Size


class Tokens(Params):
    """What every level shares."""

    corpus: Name
    """A key of `corpora`."""
    sequence_length: Size
    """n: tokens per subsequence (x, y) that a network is trained on."""


class TextTokens(Tokens):
    """Of text, not of numbers."""

    vocabularies: Literal["joint", "separate"]
    """Of sentence pairs: one vocabulary for both sides, or one for each. Other text has one side: `joint`."""


class WordTokens(TextTokens):
    level: Literal["word"]
    pieces: Literal["whitespace", "punctuation"]
    """`whitespace`: words are what stands between spaces; `punctuation`: punctuation is also split off."""
    min_count: Count
    """Words seen less often in the train split become <unk>."""
    vocabulary_size: Annotated[int, Field(ge=5, le=10_000_000)] | Literal["all"]
    """Tokens at most, the 4 special ones included: the most frequent words are kept; `all`: no limit."""


class CharTokens(TextTokens):
    level: Literal["char"]
    min_count: Count
    """Characters seen less often in the train split become <unk>."""


class BpeTokens(TextTokens):
    level: Literal["bpe"]
    alphabet: Literal["bytes", "characters"]
    """What merging starts from: the 256 bytes (nothing is ever unknown) or the characters of the train split."""
    vocabulary_size: Annotated[int, Field(ge=5, le=1_000_000)]
    """Tokens in all, the 4 special ones and the alphabet included."""
    learn_characters: Annotated[int, Field(ge=1000, le=10**10)]
    """Characters of the train split that merges are learned from: documents spread evenly over it. Bounds the memory,
    which for text without white space is 32 bytes for each."""


class SeriesTokens(Tokens):
    """Of a time series: windows of numbers, which need no vocabulary."""

    level: Literal["series"]
    scale: Literal["none", "standard", "range"]
    """Numbers as they are, with mean 0 and deviation 1, or between 0 and 1; measured on the train split."""


TokenParams = Annotated[WordTokens | CharTokens | BpeTokens | SeriesTokens, Field(discriminator="level")]
