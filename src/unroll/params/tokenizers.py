"""`tokenizers`: how text becomes token ids and subsequences (stages tokenize and partition)."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Count, Name, Params, Size


class BaseTokenizerParams(Params):
    """The settings that all types of tokenizers share."""

    corpus: Name
    """A key of `corpora`."""
    sequence_length: Size
    """n: the number of tokens of a subsequence (x, y) that a network is trained on."""
    shared_vocabulary: bool
    """For sentence pairs: whether both sides share one vocabulary. Other text has one side: `true`."""


class WordTokenizerParams(BaseTokenizerParams):
    """Tokens are words."""

    type: Literal["word"]
    pretokenizer: Literal["whitespace", "punctuation"]
    """`whitespace`: words are separated by white space; `punctuation`: punctuation is split off, too."""
    min_count: Count
    """Words that occur less often in the train split become `<unk>`."""
    vocabulary_size: Annotated[int, Field(ge=5, le=10_000_000)] | Literal["all"]
    """The maximum number of tokens, the 4 special tokens included. The most frequent words are kept; `all` sets no
    limit."""


class CharTokenizerParams(BaseTokenizerParams):
    """Tokens are Unicode characters."""

    type: Literal["char"]
    min_count: Count
    """Characters that occur less often in the train split become `<unk>`."""


class BpeTokenizerParams(BaseTokenizerParams):
    """Tokens are made by byte pair encoding (Sennrich, Haddow and Birch 2016)."""

    type: Literal["bpe"]
    base_alphabet: Literal["bytes", "characters"]
    """What merging starts from: the 256 bytes, so that nothing is unknown, or the characters of the train split."""
    vocabulary_size: Annotated[int, Field(ge=5, le=1_000_000)]
    """The number of tokens, the 4 special tokens and the base alphabet included."""
    max_training_characters: Annotated[int, Field(ge=1000, le=10**10)]
    """The maximum number of characters that merges are learned from, in documents spread evenly over the train split.
    It bounds memory: text without white space takes 32 bytes for each of these characters."""


TokenizerParams = Annotated[WordTokenizerParams | CharTokenizerParams | BpeTokenizerParams, Field(discriminator="type")]
"""An entry of `tokenizers`."""
