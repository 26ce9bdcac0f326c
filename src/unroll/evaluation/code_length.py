"""The length of a code of a whole text, which is comparable across tokenizers, and its parts.

Token ids do not hold the whole text: `<unk>` does not say which word it stands for, and word tokenizers drop white
space. The code therefore has three parts: the tokens, coded by the model; the spelling of unknown words
(`unroll.text.tokenizers.unknown`); and the spacing (`unroll.text.tokenizers.spacing`). The last two belong to the
tokenizer, and are learned from the train split.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class CodeLength:
    """The length of a code, in bits or in bits per unit of the text."""

    tokens: float
    """The part of the tokens."""
    spelling: float
    """The part of the unknown words; 0 for a tokenizer that knows every word."""
    spacing: float
    """The part of the white space that belongs to no token; 0 for a tokenizer that keeps white space."""

    @property
    def total(self) -> float:
        """The length of the whole code."""
        return self.tokens + self.spelling + self.spacing

    def per(self, units: int) -> "CodeLength":
        """Return the length per unit, such as a byte of the text in UTF-8, with one for the end of each document."""
        return CodeLength(self.tokens / units, self.spelling / units, self.spacing / units)


def code_length(nats: float, spelling_bits: float, spacing_bits: float) -> CodeLength:
    """Return the length of a code in bits, given the negative log-likelihood of its tokens in nats."""
    return CodeLength(nats / math.log(2), spelling_bits, spacing_bits)
