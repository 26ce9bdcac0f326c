"""Section `tokenizers`: how text becomes token ids and streams (stages tokenize and partition)."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Count, Name, Params, Size


class BaseTokenizerParams(Params):
    """The settings that all types of tokenizers share."""

    corpus: Name
    """The corpus, a key of `corpora`."""
    sequence_length: Size
    """The number n of tokens of a subsequence (x, y) that a network is trained on."""
    shared_vocabulary: bool
    """Whether both sides of sentence pairs share one vocabulary. It is `true` for other text, which has one side."""


class WordTokenizerParams(BaseTokenizerParams):
    """Tokens are words."""

    type: Literal["word"]
    pretokenizer: Literal["whitespace", "punctuation"]
    """The rule that splits text into words. `whitespace`: white space separates words; `punctuation`: punctuation
    is split off, too."""
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
    """The tokens that merging starts from: the 256 `bytes`, so that no text is unknown, or the `characters` of the
    train split."""
    vocabulary_size: Annotated[int, Field(ge=5, le=1_000_000)]
    """The number of tokens, the 4 special tokens and the base alphabet included."""
    max_training_characters: Annotated[int, Field(ge=1000, le=10**10)]
    """The maximum number of characters that merges are learned from, in documents spread evenly over the train split.
    It bounds memory: text without white space takes 32 bytes for each of these characters."""


TokenizerParams = Annotated[WordTokenizerParams | CharTokenizerParams | BpeTokenizerParams, Field(discriminator="type")]
"""An entry of `tokenizers`."""
