"""How a network is trained."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Params, Probability, Size

Positive = Annotated[float, Field(gt=0, le=1_000_000)]
WeightDecay = Annotated[float, Field(ge=0, le=100)]
Momentum = Annotated[float, Field(ge=0, lt=1)]


class Sgd(Params):
    kind: Literal["sgd"]
    momentum: Momentum
    nesterov: bool
    """Nesterov's form of the momentum, which then must be above 0."""
    weight_decay: WeightDecay
    """Times the weights, added to the gradient: an L2 penalty."""

    @model_validator(mode="after")
    def _has_momentum(self) -> "Sgd":
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0; raise it or set nesterov to false")
        return self


class Adam(Params):
    """Kingma and Ba (2015)."""

    kind: Literal["adam"]
    betas: Annotated[list[Momentum], Field(min_length=2, max_length=2)]
    """Decay of the running means of the gradient and of its square."""
    epsilon: Positive
    weight_decay: WeightDecay
    """As of sgd."""


class AdamW(Params):
    """Loshchilov and Hutter (2019): the weight decay is apart from the gradient."""

    kind: Literal["adamw"]
    betas: Annotated[list[Momentum], Field(min_length=2, max_length=2)]
    epsilon: Positive
    weight_decay: WeightDecay
    """Times the learning rate: the share by which weights shrink at a step."""


class Constant(Params):
    kind: Literal["constant"]


class Step(Params):
    """Zaremba, Sutskever and Vinyals (2014): constant, then smaller with every epoch."""

    kind: Literal["step"]
    hold: Annotated[int, Field(ge=1, le=100_000)]
    """Epochs at the full rate."""
    factor: Annotated[float, Field(gt=0, lt=1)]
    """Of the rate, for each epoch after them."""


class Cosine(Params):
    """Along a half cosine to nought (Loshchilov and Hutter 2017, without restarts)."""

    kind: Literal["cosine"]


class OneCycle(Params):
    """Smith and Topin (2018): up to the rate and down again, both along half cosines."""

    kind: Literal["onecycle"]
    rise: Annotated[float, Field(gt=0, lt=1)]
    """The share of the steps on the way up."""
    start: Annotated[float, Field(gt=0, le=1)]
    """The share of the rate it begins with."""
    end: Annotated[float, Field(ge=0, le=1)]
    """The share of the rate it ends with."""


class Plateau(Params):
    """Smaller whenever the validation loss has not become better."""

    kind: Literal["plateau"]
    factor: Annotated[float, Field(gt=0, lt=1)]
    patience: Annotated[int, Field(ge=1, le=100_000)]
    """Epochs without a better validation loss before the rate is multiplied by `factor`."""


class ClipNorm(Params):
    """Gradients with a larger Euclidean norm are scaled down to it (Pascanu, Mikolov and Bengio 2013)."""

    kind: Literal["norm"]
    limit: Positive


class ClipValue(Params):
    """Every number of a gradient is kept within [-limit, limit]."""

    kind: Literal["value"]
    limit: Positive


class NoClip(Params):
    kind: Literal["none"]


class NoAverage(Params):
    kind: Literal["none"]


class ExponentialAverage(Params):
    """The weights that are validated and kept are a running mean of those that are trained."""

    kind: Literal["exponential"]
    decay: Probability
    """Share of the mean that stays at a step; the mean of the first steps is a plain one."""


class NonMonotonicAverage(Params):
    """NT-ASGD of Merity, Keskar and Socher (2018): the plain mean of all weights since the validation loss was worse
    than its best one more than `interval` epochs ago. Meant for sgd at a constant rate."""

    kind: Literal["non_monotonic"]
    interval: Annotated[int, Field(ge=1, le=100_000)]


Optimizer = Annotated[Sgd | Adam | AdamW, Field(discriminator="kind")]
Schedule = Annotated[Constant | Step | Cosine | OneCycle | Plateau, Field(discriminator="kind")]
Clip = Annotated[ClipNorm | ClipValue | NoClip, Field(discriminator="kind")]
Average = Annotated[NoAverage | ExponentialAverage | NonMonotonicAverage, Field(discriminator="kind")]


class Training(Params):
    """How a network is trained."""

    epochs: Annotated[int, Field(ge=1, le=100_000)]
    """At most; early stopping may end sooner."""
    patience: Annotated[int, Field(ge=1, le=100_000)]
    """Epochs without a better validation loss before training stops; the best weights are kept."""
    batch_size: Size
    """Subsequences (or sentence pairs) per batch."""
    accumulate: Size
    """Batches per step: their gradients are averaged."""
    learning_rate: Annotated[float, Field(gt=0, le=100)]
    optimizer: Optimizer
    schedule: Schedule
    """Of the learning rate over the planned steps."""
    clip: Clip
    average: Average
    precision: Literal[32, 16, "bf16"]
    """32 bit floats, or products in 16 bits beside 32 bit weights: `bf16` everywhere, 16 on a GPU alone."""
    checkpoint_steps: Annotated[int, Field(ge=1, le=10**9)]
    """After so many batches the run writes what it needs to go on after a kill; changes no result."""
