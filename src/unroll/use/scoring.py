"""The log-likelihood of texts: scores of tokens, of lines, and of a whole text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from unroll.evaluation.code_length import CodeLength, code_length
from unroll.evaluation.perplexity import Score
from unroll.training.perplexity import perplexity


@dataclass(frozen=True)
class LineScore:
    """The score of one line, `<eos>` included."""

    log_likelihood: float
    """log p(line) in nats."""
    tokens: int
    """The number of tokens."""
    unknown: int
    """The number of tokens that are `<unk>`."""
    bytes: int
    """The number of bytes of the cleaned line as UTF-8, with one byte for its end."""
    spelling_bits: float
    """The length of a code of the unknown words."""
    spacing_bits: float
    """The length of a code of the white space that belongs to no token; NaN if the tokenizer has no model of it."""

    @property
    def log_likelihood_with_spelling(self) -> float:
        """The log-likelihood with the spelling of unknown words, in nats.

        It allows a fair comparison of texts with different unknown words.
        """
        return self.log_likelihood - math.log(2) * self.spelling_bits

    @property
    def code(self) -> CodeLength:
        """The length of a code of the line in bits."""
        return code_length(-self.log_likelihood, self.spelling_bits, self.spacing_bits)

    @property
    def perplexity(self) -> float:
        """The perplexity per token, infinite if the line is impossible or if it exceeds the range of a float."""
        return perplexity(-self.log_likelihood / self.tokens)


@dataclass(frozen=True)
class TokenScore:
    """The score of one token."""

    token: str
    """The spelling of the token."""
    log_prob: float
    """log p(token | context) in nats."""
    unknown: str | None = None
    """The word in the text if the token is `<unk>`, otherwise None."""


@dataclass(frozen=True)
class TextScore:
    """The score of a whole text: the sums over its lines."""

    lines: int
    """The number of lines."""
    tokens: int
    """The number of tokens, with one `<eos>` for each line."""
    log_likelihood: float
    """log p(text) in nats."""
    perplexity: float
    """The perplexity per token."""
    bits_per_byte: float
    """Bits per byte of a code of the whole text: the sum of the next three numbers."""
    bits_per_byte_tokens: float
    """The part of the tokens."""
    bits_per_byte_spelling: float
    """The part of the spelling of unknown words."""
    bits_per_byte_spacing: float
    """The part of the white space that belongs to no token."""
    unknown: int
    """The number of tokens that are `<unk>`."""
    oov_rate: float
    """The share of the tokens that are `<unk>`."""


def sum_scores(scores: Sequence[LineScore]) -> TextScore:
    """Sum the scores of at least one line.

    Args:
        scores: The scores of the lines.

    Returns:
        The score of the text. `unroll.evaluation.code_length` defines its bits per byte.
    """
    tokens, unknown = sum(line.tokens for line in scores), sum(line.unknown for line in scores)
    log_likelihoods = [line.log_likelihood for line in scores]
    nats = -math.fsum(log_likelihoods) if all(map(math.isfinite, log_likelihoods)) else math.inf
    total = Score(tokens, nats, unknown, 0.0, 0)
    spelling, spacing = (
        math.fsum(getattr(line, part) for line in scores) for part in ("spelling_bits", "spacing_bits")
    )
    code = code_length(nats, spelling, spacing).per(sum(line.bytes for line in scores))
    parts = (code.total, code.tokens, code.spelling, code.spacing)
    return TextScore(len(scores), tokens, -nats, total.perplexity, *parts, unknown, unknown / tokens)
