"""Settings of family `hmm_tagger`."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Count, Name, Params


class AdditiveSmoothing(Params):
    """Every transition is counted `k` times more than it occurs (Lidstone)."""

    kind: Literal["additive"]
    k: Annotated[float, Field(gt=0, le=1000)]
    """Added to the count of each next tag, the end of a sentence included; 1 is Laplace's rule."""


class InterpolatedSmoothing(Params):
    """Transitions of all orders are interpolated, with weights found by deleted interpolation (Brants 2000)."""

    kind: Literal["interpolated"]


class HmmTaggerParams(Params):
    """A hidden Markov model whose states are the tags, estimated from the counts of a tagged corpus."""

    family: Literal["hmm_tagger"]
    tokenizer: Name
    """A key of `tokenizers`, of type `tagged`."""
    order: Literal[2, 3]
    """2 for a bigram tagger, whose tag depends on the tag before it, and 3 for a trigram tagger."""
    smoothing: Annotated[AdditiveSmoothing | InterpolatedSmoothing, Field(discriminator="kind")]
    """The smoothing of the transitions."""
    word_pseudo_count: Annotated[float, Field(ge=0, le=1000)]
    """Added to the count of each known word with each tag. With 0, a known word has only the tags that it was seen
    with."""
    rare_count: Count
    """Words that occur at most this number of times in the train split, and `<unk>`, stand for unknown words."""
    shape_pseudo_count: Annotated[float, Field(gt=0, le=1000)]
    """Added to the count of each shape of rare words with each tag, and to those of known and of rare words."""
