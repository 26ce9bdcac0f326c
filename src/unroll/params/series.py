"""Section `series`: forecasts of numbers k steps ahead (stage forecast), and the corpora of series that are sampled."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Count, Name, Params, Size
from unroll.params.cleaning import SeededCorpus
from unroll.params.layers import Cell


class SineCorpus(SeededCorpus):
    """A series of numbers: a sine of amplitude 1 with Gaussian noise."""

    source: Literal["sine"]
    length: Annotated[int, Field(ge=10, le=10_000_000)]
    """The number of values."""
    period: Annotated[float, Field(gt=2, le=10_000_000)]
    """The number of values in one period."""
    noise: Annotated[float, Field(ge=0, le=1000)]
    """The standard deviation of the noise."""


Effects = Annotated[dict[Name, float], Field(min_length=1, max_length=100)]
"""A number for each of the d columns of a series, by name."""


class VarProcessCorpus(SeededCorpus):
    """A series of vectors: a stationary vector autoregression with Gaussian errors.

    x_t = intercept + A_1 x_{t-1} + .. + A_p x_{t-p} + e_t
    """

    source: Literal["var-process"]
    length: Annotated[int, Field(ge=10, le=1_000_000)]
    """The number of vectors."""
    intercept: Effects
    """The constant. Its keys are the columns of the series."""
    coefficients: Annotated[dict[Name, dict[Name, Effects]], Field(min_length=1, max_length=100)]
    """The matrices A_1, .., A_p as lag1, lag2, ... The row of a column has the effects of all columns on it."""
    covariance: dict[Name, Effects]
    """The covariance of the errors e_t, which is symmetric and positive definite."""

    @model_validator(mode="after")
    def _name_equal_columns(self) -> "VarProcessCorpus":
        columns, lags = tuple(self.intercept), tuple(self.coefficients)
        for matrix in (*self.coefficients.values(), self.covariance):
            if any(tuple(names) != columns for names in (tuple(matrix), *map(tuple, matrix.values()))):
                raise ValueError(f"a matrix does not have the rows and columns {', '.join(columns)} of the intercept")
        if lags != (named := tuple(f"lag{lag}" for lag in range(1, len(lags) + 1))):
            raise ValueError(f"the coefficients are of {', '.join(lags)}; name them {', '.join(named)}")
        return self


Step = Annotated[int, Field(ge=1, le=10_000)]


class PersistenceParams(Params):
    """The forecast is the last value."""

    family: Literal["persistence"]
    """The family."""


class SeasonalNaiveParams(Params):
    """The forecast is the value one season earlier."""

    family: Literal["seasonal_naive"]
    """The family."""
    season: Annotated[int, Field(ge=2, le=10**6)]
    """The number of values in a season: 12 for months of a year."""


class AutoregressionParams(Params):
    """AR(tau), for several columns the vector autoregression VAR(tau), fitted by least squares."""

    family: Literal["autoregression"]
    """The family."""
    order: Annotated[int, Field(ge=1, le=10_000)]
    """The order tau: the number of previous values that a value depends on."""


class DirectParams(Params):
    """A regression of its own for each number of steps."""

    family: Literal["direct"]
    """The family."""
    order: Annotated[int, Field(ge=1, le=10_000)]
    """The order tau: the number of previous values that a value depends on."""


class LatentParams(Params):
    """Latent autoregression: a recurrent network that predicts a mean and a deviation."""

    family: Literal["latent"]
    """The family."""
    cell: Cell
    """The recurrent cell."""
    hidden_size: Size
    """The size of the hidden state of each layer."""
    layers: Annotated[int, Field(ge=1, le=100)]
    """The number of recurrent layers."""
    predict_difference: bool
    """If true, the network predicts the difference between the next value and the last one, which suits a series with
    a trend; if false, it predicts the value itself."""
    sequence_length: Annotated[int, Field(ge=2, le=65536)]
    """The length of a training subsequence; each is read from a zero state."""
    batch_size: Size
    """The number of subsequences in a batch."""
    epochs: Count
    """The largest number of epochs; the weights of the epoch with the lowest loss on valid are kept."""
    patience: Count
    """Training stops after this number of epochs without a lower loss on valid."""
    learning_rate: Annotated[float, Field(gt=0, le=100)]
    """The learning rate of Adam."""
    clip_norm: Annotated[float, Field(gt=0, le=1e9)]
    """The largest norm of the gradient; larger gradients are scaled down to it."""
    samples: Annotated[int, Field(ge=2, le=100_000)]
    """The number of sampled futures that give the mean and the variance of a forecast."""


class SineParams(Params):
    """The oracle of a corpus of source `sine`."""

    family: Literal["sine"]
    """The family."""


class VarProcessParams(Params):
    """The oracle of a corpus of source `var-process`."""

    family: Literal["var_process"]
    """The family."""


ForecasterParams = Annotated[
    PersistenceParams
    | SeasonalNaiveParams
    | AutoregressionParams
    | DirectParams
    | LatentParams
    | SineParams
    | VarProcessParams,
    Field(discriminator="family"),
]


class SeriesParams(Params):
    """An entry of `series`."""

    corpus: Name
    """An entry of `corpora` with format `series` that is split by position."""
    steps: Annotated[list[Step], Field(min_length=1, max_length=20)]
    """The steps k to report, in ascending order; the last one is the horizon."""
    forecasters: Annotated[dict[Name, ForecasterParams], Field(min_length=1)]
    """The forecasters to compare, by name."""

    @model_validator(mode="after")
    def _ascend(self) -> "SeriesParams":
        """Check that the steps are in ascending order."""
        if self.steps != sorted(set(self.steps)):
            raise ValueError(f"steps {self.steps} are not in ascending order; write {sorted(set(self.steps))}")
        return self
