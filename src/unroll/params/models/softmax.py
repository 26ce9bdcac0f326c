"""The output layer of a network. Whatever it is trained by, probabilities are exact when they are evaluated."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from unroll.params.base import Count, Params, Probability


class FullSoftmax(Params):
    """Every word is computed at every position."""

    kind: Literal["full"]
    precision: Literal[32, "bf16"]
    """Of its products while training; what is evaluated is always 32 bits."""


class AdaptiveSoftmax(Params):
    """Rare words in clusters of smaller vectors (Grave et al. 2017)."""

    kind: Literal["adaptive"]
    cutoffs: Annotated[list[Count], Field(min_length=1)]
    """Ranks by frequency where the clusters begin: [2000, 6000] makes a head and two clusters."""
    factor: Annotated[float, Field(gt=1, le=1000)]
    """By which the vectors of each cluster are shorter than those of the one before."""

    @field_validator("cutoffs")
    @classmethod
    def _increasing(cls, cutoffs: list[int]) -> list[int]:
        if sorted(set(cutoffs)) != cutoffs:
            raise ValueError(f"{cutoffs}: cutoffs must increase; sort them")
        return cutoffs


class Sampling(Params):
    samples: Count
    """Words drawn per batch; all its positions share them."""
    exponent: Probability
    """They are drawn by frequency to this power: 1 as often as they occur, 0 all alike."""


class SampledSoftmax(Sampling):
    """A softmax over the target and sampled words, corrected for how they were drawn (Bengio and Senecal 2008)."""

    kind: Literal["sampled"]


class NoiseContrastive(Sampling):
    """The target against sampled noise, one decision each (Mnih and Teh 2012)."""

    kind: Literal["nce"]


class NegativeSampling(Sampling):
    """As nce without the correction (Mikolov et al. 2013): what is learned is log p(w | h) / q(w), so q is put back
    when it is evaluated."""

    kind: Literal["negative_sampling"]


SoftmaxParams = Annotated[
    FullSoftmax | AdaptiveSoftmax | SampledSoftmax | NoiseContrastive | NegativeSampling, Field(discriminator="kind")
]
