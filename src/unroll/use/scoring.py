"""How probable a model finds a text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from unroll.evaluation.perplexity import BITS_PER_UNKNOWN_BYTE, Score


@dataclass(frozen=True)
class LineScore:
    """log p of one line, `<eos>` included."""

    log_likelihood: float
    """Nats."""
    tokens: int
    unknown: int
    """Tokens the vocabulary lacks."""
    bytes: int
    """Of the cleaned line as UTF-8, and one for its end."""
    unknown_bytes: int
    """Of the words that the vocabulary lacks."""

    @property
    def spelt_log_likelihood(self) -> float:
        """With the spelling of unknown words, at 8 bits a byte: fair between texts whose unknown words differ."""
        return self.log_likelihood - BITS_PER_UNKNOWN_BYTE * math.log(2) * (self.unknown_bytes + self.unknown)

    @property
    def perplexity(self) -> float:
        return math.exp(-self.log_likelihood / self.tokens) if self.log_likelihood > -math.inf else math.inf


@dataclass(frozen=True)
class TokenScore:
    token: str
    log_prob: float
    """Nats."""
    unknown: str | None = None
    """What was written, where the token is <unk>."""


@dataclass(frozen=True)
class TextScore:
    """Of a whole text: the sums over its lines."""

    lines: int
    tokens: int
    log_likelihood: float
    perplexity: float
    bits_per_byte: float
    unknown: int
    oov_rate: float
    """Share of the tokens that the vocabulary lacks."""


def total(scores: Sequence[LineScore]) -> TextScore:
    """The sum of at least one line's scores; bits per byte as `unroll.evaluation.perplexity` defines them."""
    tokens, unknown = sum(line.tokens for line in scores), sum(line.unknown for line in scores)
    likelihoods = [line.log_likelihood for line in scores]
    nats = -math.fsum(likelihoods) if all(map(math.isfinite, likelihoods)) else math.inf
    summed = Score(tokens, nats, unknown, 0.0, 0)
    size, spelt = sum(line.bytes for line in scores), sum(line.unknown_bytes for line in scores)
    bits = summed.bits_per(size, spelt)
    return TextScore(len(scores), tokens, -nats, summed.perplexity, bits, unknown, unknown / tokens)
