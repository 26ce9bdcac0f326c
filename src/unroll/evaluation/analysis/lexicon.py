"""The words that have a vector, within and beyond the vocabulary of the text."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unroll.models.base.protocol import WordVectors
from unroll.text.tokenizers.base import Tokenizer
from unroll.text.tokenizers.vocabulary import SPECIAL


@dataclass(frozen=True)
class Lexicon:
    """Words and their vectors."""

    words: list[str]
    """The spelling of each word, first those of the vocabulary."""
    vectors: NDArray[np.float32]
    """The vectors (N, D)."""

    @staticmethod
    def of(model: WordVectors, tokenizer: Tokenizer) -> "Lexicon":
        """Return the words of a model whose vectors were learned or read.

        Args:
            model: The word vectors.
            tokenizer: Their tokenizer.

        Returns:
            The words without the special tokens.
        """
        tokens = np.flatnonzero(model.known & (np.arange(len(model.known)) >= len(SPECIAL)))
        words = [tokenizer.id_to_token(int(token)) for token in tokens]
        return Lexicon([*words, *model.other_words], np.concatenate([model.vectors[tokens], model.other_vectors]))

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each word."""
        return {word: row for row, word in enumerate(self.words)}
