"""Settings of family `glove`."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Size
from unroll.params.word_vectors import WordVectorParams


class GloveParams(WordVectorParams):
    """Word vectors that are fitted to the co-occurrences of the train split."""

    family: Literal["glove"]
    size: Size
    """D: the number of dimensions."""
    window: Annotated[int, Field(ge=1, le=1000)]
    """The number of context words on each side. A word at distance d counts 1 / d."""
    symmetric: bool
    """Whether the context has both sides; otherwise it has the left side only."""
    x_max: Annotated[float, Field(gt=0, le=1e9)]
    """The co-occurrence from which on all pairs have the same weight, 1."""
    alpha: Annotated[float, Field(gt=0, le=10)]
    """The exponent of the weight (X / x_max)^alpha of pairs with fewer co-occurrences."""
    matrix: Literal["word", "sum"]
    """The vectors: W of the words, or the `sum` of W and the vectors W~ of the contexts, as in the paper."""
    epochs: Annotated[int, Field(ge=1, le=10_000)]
    """The number of passes over the pairs of words that co-occur."""
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)]
    """The number of pairs of a step, whose gradients are added."""
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    """The rate of the first step of AdaGrad, which divides the rates of later steps."""
