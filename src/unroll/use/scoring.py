"""The log-likelihood of texts: scores of tokens, of lines, and of a whole text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from unroll.evaluation.perplexity import BITS_PER_UNKNOWN_BYTE, Score


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
    unknown_bytes: int
    """The number of bytes of the unknown words."""

    @property
    def log_likelihood_with_spelling(self) -> float:
        """The log-likelihood with the spelling of unknown words at 8 bits per byte, in nats.

        It allows a fair comparison of texts with different unknown words.
        """
        return self.log_likelihood - BITS_PER_UNKNOWN_BYTE * math.log(2) * (self.unknown_bytes + self.unknown)

    @property
    def perplexity(self) -> float:
        """The perplexity per token, infinite if the line is impossible."""
        return math.exp(-self.log_likelihood / self.tokens) if self.log_likelihood > -math.inf else math.inf


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
    """Bits per byte, with the spelling of unknown words."""
    unknown: int
    """The number of tokens that are `<unk>`."""
    oov_rate: float
    """The share of the tokens that are `<unk>`."""


def sum_scores(scores: Sequence[LineScore]) -> TextScore:
    """Sum the scores of at least one line.

    Args:
        scores: The scores of the lines.

    Returns:
        The score of the text. `unroll.evaluation.perplexity` defines its bits per byte.
    """
    tokens, unknown = sum(line.tokens for line in scores), sum(line.unknown for line in scores)
    log_likelihoods = [line.log_likelihood for line in scores]
    nats = -math.fsum(log_likelihoods) if all(map(math.isfinite, log_likelihoods)) else math.inf
    total = Score(tokens, nats, unknown, 0.0, 0)
    size, unknown_bytes = sum(line.bytes for line in scores), sum(line.unknown_bytes for line in scores)
    bits = total.bits_per(size, unknown_bytes)
    return TextScore(len(scores), tokens, -nats, total.perplexity, bits, unknown, unknown / tokens)
