"""Settings of section `evaluate`: the measures of the stages evaluate and report in addition to perplexity."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from unroll.models.cache.params import Cache
from unroll.params.base import Params, Probability


def _check_ascending(values: list[int]) -> list[int]:
    if sorted(set(values)) != values:
        raise ValueError("distances must ascend, without duplicates")
    return values


def _check_folds(folds: int) -> int:
    if folds in (1, 2):
        raise ValueError(f"{folds} of the folds are test and valid, which leaves none to train on; write 0, 3 or more")
    return folds


Distance = Annotated[int, Field(ge=1, le=10**5)]
"""A number of tokens between a token and its context."""


class CacheEvaluation(Cache):
    """The interpolation of a model with a unigram cache of the document (Kuhn and De Mori 1990)."""

    iterations: Annotated[int, Field(ge=1, le=10_000)]
    """The number of EM steps that fit the weight of the cache on the valid split."""


class NoDynamic(Params):
    """No dynamic evaluation."""

    kind: Literal["none"]


class DynamicSgd(Params):
    """Dynamic evaluation by gradient descent: networks learn from the test text (Krause et al. 2018).

    They learn from each segment after it was scored.
    """

    kind: Literal["sgd"]
    learning_rate: Annotated[float, Field(gt=0, le=100)]
    """The size of a step along the gradient."""
    segment: Annotated[int, Field(ge=1, le=100_000)]
    """The number of tokens that are scored before the weights learn from them."""
    decay: Annotated[float, Field(ge=0, le=1)]
    """The fraction of the distance to the trained weights that each step removes."""


Dynamic = Annotated[NoDynamic | DynamicSgd, Field(discriminator="kind")]


class Statistics(Params):
    """Intervals and tests. They use blocks of tokens, since neighbouring tokens depend on each other."""

    block: Annotated[int, Field(ge=1, le=10**7)]
    """The number of tokens in a block. It should exceed the range of the dependence between tokens: 500 or more."""
    resamples: Annotated[int, Field(ge=100, le=10**6)]
    """The number of bootstrap resamples, and of permutations: the smallest p value is 1 / (resamples + 1)."""
    confidence: Probability
    """The confidence level of an interval, for example 0.95."""


class ContextAblation(Params):
    """How much context a model uses: its loss with a shorter context, and with a shuffled one."""

    tokens: Annotated[int, Field(ge=0, le=10**6)]
    """The number of tokens of the test split that are drawn at random and predicted this way; 0 omits the measure."""
    distances: Annotated[list[Distance], Field(min_length=1), AfterValidator(_check_ascending)]
    """The numbers of context tokens that are kept, ascending. The last one is the longest context of the measure."""


class KStep(Params):
    """Predictions of the token k steps ahead, for sampled corpora."""

    contexts: Annotated[int, Field(ge=0, le=10**6)]
    """The number of documents of the test split that are drawn at random; 0 omits the measure."""
    length: Annotated[int, Field(ge=0, le=10**5)]
    """The number of tokens of each document that are read first. Shorter documents are skipped."""
    steps: Annotated[int, Field(ge=1, le=1000)]
    """The largest k."""
    samples: Annotated[int, Field(ge=2, le=10**5)]
    """The number of continuations per context that a model samples if it has no exact method. Its losses are too high
    by a bias that falls like 1 / samples, and is shown."""


class Search(Params):
    """Beam search for a translation (`unroll.evaluation.beam`)."""

    beam: Annotated[int, Field(ge=1, le=1000)]
    """The number of hypotheses that are kept; 1 is greedy search."""
    length_penalty: Annotated[float, Field(ge=0, le=10)]
    """The exponent of the length that log p is divided by; 0 favours short translations."""
    coverage_penalty: Annotated[float, Field(ge=0, le=10)]
    """The weight of the penalty for source words without attention (Wu et al. 2016), for models with attention."""
    max_length_ratio: Annotated[float, Field(gt=0, le=1000)]
    """A translation has at most max_length_ratio * (source tokens) + max_length_offset tokens."""
    max_length_offset: Annotated[int, Field(ge=1, le=100_000)]
    """The number of tokens that a translation may have in addition to max_length_ratio * (source tokens)."""


class Evaluate(Params):
    """The measures of the stages evaluate and report in addition to perplexity."""

    batch_size: Annotated[int, Field(ge=1, le=65536)]
    """The number of documents or contexts that are scored together. It changes the speed, never a result."""
    samples: Annotated[int, Field(ge=0, le=1000)]
    """The number of texts that each model generates (for pairs: the number of translated test sentences)."""
    sample_length: Annotated[int, Field(ge=1, le=100_000)]
    """The maximum number of tokens of a sample."""
    temperature: Annotated[float, Field(gt=0, le=100)]
    """Log-probabilities are divided by it before sampling; 1 samples from the model's own distribution."""
    carried_streams: Annotated[int, Field(ge=0, le=65536)]
    """The number of streams that the test text is divided into for the carried perplexity, in which the state is not
    reset between documents; 0 omits the measure. Sampled corpora have none, since their documents are independent."""
    folds: Annotated[int, Field(ge=0, le=1000), AfterValidator(_check_folds)]
    """The number k of folds of the cross-validation of classifiers, each of which is trained k times more; 0 omits the
    measure. Each training has one fold for test and one for valid, so there are at least 3."""
    translation: Search
    """The beam search for the translations of the test sources."""
    cache: CacheEvaluation
    """The mixture with a unigram cache."""
    dynamic: Dynamic
    """Dynamic evaluation of neural language models."""
    statistics: Statistics
    """Confidence intervals and significance tests."""
    context_ablation: ContextAblation
    """The loss with a shorter or a shuffled context."""
    k_step: KStep
    """Predictions k steps ahead, for sampled corpora."""
