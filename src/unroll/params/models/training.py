"""How a network is trained."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Params, Size


class Training(Params):
    """How a network is trained."""

    epochs: Annotated[int, Field(ge=1, le=100_000)]
    """At most; early stopping may end sooner."""
    patience: Annotated[int, Field(ge=1, le=100_000)]
    """Epochs without a better validation loss before training stops; the best weights are kept."""
    batch_size: Size
    """Subsequences (or sentence pairs) per step."""
    learning_rate: Annotated[float, Field(gt=0, le=100)]
    schedule: Literal["constant", "cosine"]
    """Learning rate over the planned steps: as it is, or falling along a half cosine to nought."""
    clip_norm: Annotated[float, Field(gt=0, le=1_000_000)]
    """Gradients with a larger Euclidean norm are scaled down to it."""
