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


class TaggedTokenizerParams(BaseTokenizerParams):
    """Tokens are the words of a tagged corpus, as its file divides them. Tags have a vocabulary of their own.

    The shape of a word stands for an unknown word: what characters it has (capitals, digits, a hyphen), and its last
    letters, the longest suffix that is frequent enough in the vocabulary.
    """

    type: Literal["tagged"]
    shared_vocabulary: Literal[False]
    """Words and tags never share a vocabulary."""
    min_count: Count
    """Words that occur less often in the train split become `<unk>`."""
    vocabulary_size: Annotated[int, Field(ge=5, le=10_000_000)] | Literal["all"]
    """The maximum number of tokens, the 4 special tokens included. The most frequent words are kept; `all` sets no
    limit."""
    suffix_length: Annotated[int, Field(ge=0, le=20)]
    """The maximum number of letters of the suffix in a shape; 0 for shapes without suffixes."""
    suffix_min_count: Count
    """A suffix belongs to the shapes if it ends at least this number of different words of the train split."""


TokenizerParams = Annotated[
    WordTokenizerParams | CharTokenizerParams | BpeTokenizerParams | TaggedTokenizerParams, Field(discriminator="type")
]
"""An entry of `tokenizers`."""
