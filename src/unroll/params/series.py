"""`series`: forecasts of numbers, k steps ahead (stage forecast). One file of `unroll.series` per family."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Count, Name, Params, Size
from unroll.params.layers import Cell

Step = Annotated[int, Field(ge=1, le=10_000)]


class PersistenceParams(Params):
    """Nothing changes."""

    family: Literal["persistence"]


class SeasonalNaiveParams(Params):
    """What was there a season before."""

    family: Literal["seasonal_naive"]
    season: Annotated[int, Field(ge=2, le=10**6)]
    """Values in a season: 12 for months of a year."""


class AutoregressionParams(Params):
    """AR(tau), by least squares."""

    family: Literal["autoregression"]
    order: Annotated[int, Field(ge=1, le=10_000)]
    """tau: how many values back each one depends on."""


class LatentParams(Params):
    """Latent autoregression: a recurrent network that says a mean and a deviation."""

    family: Literal["latent"]
    cell: Cell
    hidden_size: Size
    layers: Annotated[int, Field(ge=1, le=100)]
    change: bool
    """Whether the network says by how much the next value differs from the last (a series with a trend leaves the range
    it was trained on), or the value itself."""
    sequence_length: Annotated[int, Field(ge=2, le=65536)]
    """Values of a training subsequence, each read from a zero state."""
    batch_size: Size
    epochs: Count
    """At most; the weights that are kept are those of the epoch with the lowest loss on valid."""
    patience: Count
    """Epochs without a lower one, after which training ends."""
    learning_rate: Annotated[float, Field(gt=0, le=100)]
    """Of Adam."""
    clip_norm: Annotated[float, Field(gt=0, le=1e9)]
    """Largest norm of the gradient."""
    samples: Annotated[int, Field(ge=2, le=100_000)]
    """Sampled futures, of which mean and variance are taken."""


class SineParams(Params):
    """The truth of a corpus of source `sine`."""

    family: Literal["sine"]


ForecasterParams = Annotated[
    PersistenceParams | SeasonalNaiveParams | AutoregressionParams | LatentParams | SineParams,
    Field(discriminator="family"),
]


class SeriesParams(Params):
    corpus: Name
    """Of `corpora`; its format is `series`, and it is cut by position."""
    steps: Annotated[list[Step], Field(min_length=1, max_length=20)]
    """The k to report, ascending; the last one is the horizon."""
    forecasters: Annotated[dict[Name, ForecasterParams], Field(min_length=1)]

    @model_validator(mode="after")
    def _ascend(self) -> "SeriesParams":
        if self.steps != sorted(set(self.steps)):
            raise ValueError(f"steps {self.steps} do not ascend; write {sorted(set(self.steps))}")
        return self
