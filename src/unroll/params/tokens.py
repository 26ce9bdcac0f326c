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


class WordTokens(Tokens):
    level: Literal["word"]
    pieces: Literal["whitespace", "punctuation"]
    """`whitespace`: words are what stands between spaces; `punctuation`: punctuation is also split off."""
    min_count: Count
    """Words seen less often in the train split become <unk>."""


class CharTokens(Tokens):
    level: Literal["char"]
    min_count: Count
    """Characters seen less often in the train split become <unk>."""


class BpeTokens(Tokens):
    level: Literal["bpe"]
    vocabulary_size: Annotated[int, Field(ge=260, le=1_000_000)]
    """Tokens in all, the 4 special ones and the 256 bytes included."""


TokenParams = Annotated[WordTokens | CharTokens | BpeTokens, Field(discriminator="level")]
