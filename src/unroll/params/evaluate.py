"""`evaluate`: what the stages evaluate and report measure besides perplexity."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from unroll.params.base import Params, Probability
from unroll.params.models import Cache


def _rising(values: list[int]) -> list[int]:
    if sorted(set(values)) != values:
        raise ValueError("give each distance once, smallest first")
    return values


class CacheEvaluation(Cache):
    """Cache evaluation: the model mixed with a unigram cache of the document (Kuhn and De Mori 1990)."""

    iterations: Annotated[int, Field(ge=1, le=10_000)]
    """EM steps that fit the cache's weight on the valid split."""


class NoDynamic(Params):
    kind: Literal["none"]


class DynamicSgd(Params):
    """Dynamic evaluation: networks learn from the test text, each segment after it was scored."""

    kind: Literal["sgd"]
    learning_rate: Annotated[float, Field(gt=0, le=100)]
    segment: Annotated[int, Field(ge=1, le=100_000)]
    """Tokens that are scored before the weights learn from them."""
    decay: Annotated[float, Field(ge=0, le=1)]
    """Share of the way back to the trained weights that is gone at each step."""


Dynamic = Annotated[NoDynamic | DynamicSgd, Field(discriminator="kind")]


class Statistics(Params):
    """Intervals and tests over blocks of neighbouring tokens, which are not independent of each other."""

    block: Annotated[int, Field(ge=1, le=10**7)]
    """Tokens per block; longer than what connects one token with another: 500 or more."""
    resamples: Annotated[int, Field(ge=100, le=10**6)]
    """Of the bootstrap, and sign changes of the permutation test: the smallest p is 1 / (resamples + 1)."""
    confidence: Probability
    """Of an interval, as 0.95."""


class Context(Params):
    """How far a model looks: its loss when it sees less of the context, or sees it in disorder."""

    tokens: Annotated[int, Field(ge=0, le=10**6)]
    """Of the test split, drawn at random, that are predicted so; 0 leaves it out."""
    distances: Annotated[list[Annotated[int, Field(ge=1, le=10**5)]], Field(min_length=1), AfterValidator(_rising)]
    """Tokens of context that are left; the last is the reach of the whole measurement."""


class Ahead(Params):
    """Predictions of the token k steps ahead, for corpora whose source is known."""

    contexts: Annotated[int, Field(ge=0, le=10**6)]
    """Documents of the test split, drawn at random; 0 leaves it out."""
    length: Annotated[int, Field(ge=0, le=10**5)]
    """Tokens of each that are read before; shorter documents are passed over."""
    steps: Annotated[int, Field(ge=1, le=1000)]
    """The largest k."""
    samples: Annotated[int, Field(ge=1, le=10**5)]
    """Continuations drawn per context by a model without an exact way."""


class Search(Params):
    """Beam search for a translation (`unroll.evaluation.beam`)."""

    beam: Annotated[int, Field(ge=1, le=1000)]
    """Beginnings that are kept; 1 is greedy search."""
    length_penalty: Annotated[float, Field(ge=0, le=10)]
    """Exponent of the length that log p is divided by; 0 favours short texts."""
    coverage_penalty: Annotated[float, Field(ge=0, le=10)]
    """How much it costs to leave source words unattended; of models with attention."""
    ratio: Annotated[float, Field(gt=0, le=1000)]
    extra: Annotated[int, Field(ge=1, le=100_000)]
    """A translation has at most `ratio` times its source's tokens and `extra` more."""


class Evaluate(Params):
    """`evaluate`: what the stages evaluate and report measure besides perplexity."""

    batch_size: Annotated[int, Field(ge=1, le=65536)]
    """Documents or contexts scored together; changes speed, never a result."""
    samples: Annotated[int, Field(ge=0, le=1000)]
    """Texts generated per model (for pairs: test sentences translated)."""
    sample_length: Annotated[int, Field(ge=1, le=100_000)]
    """Tokens per sample at most."""
    temperature: Annotated[float, Field(gt=0, le=100)]
    """Log-probabilities are divided by it before sampling; 1 samples from the model itself."""
    carried: Annotated[int, Field(ge=0, le=65536)]
    """Stretches of the test text that are read without a reset at documents' ends, for a perplexity of that kind; 0
    leaves it out. Sampled corpora, whose documents know nothing of each other, have none."""
    translation: Search
    cache: CacheEvaluation
    dynamic: Dynamic
    statistics: Statistics
    context: Context
    ahead: Ahead
