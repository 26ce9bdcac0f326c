"""How a network is trained."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from unroll.params.base import Params, Probability, Size

Positive = Annotated[float, Field(gt=0, le=1_000_000)]
WeightDecay = Annotated[float, Field(ge=0, le=100)]
Momentum = Annotated[float, Field(ge=0, lt=1)]


class Sgd(Params):
    """Stochastic gradient descent."""

    kind: Literal["sgd"]
    momentum: Momentum
    nesterov: bool
    """Use Nesterov's form of the momentum, which then must be above 0."""
    weight_decay: WeightDecay
    """An L2 penalty: this factor times the weights is added to the gradient."""

    @model_validator(mode="after")
    def _has_momentum(self) -> "Sgd":
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0; raise it or set nesterov to false")
        return self


class Adam(Params):
    """Adam (Kingma and Ba 2015)."""

    kind: Literal["adam"]
    betas: Annotated[list[Momentum], Field(min_length=2, max_length=2)]
    """The decay rates of the running means of the gradient and of its square."""
    epsilon: Positive
    """The number that is added to the denominator, for stability."""
    weight_decay: WeightDecay
    """An L2 penalty: this factor times the weights is added to the gradient."""


class AdamW(Params):
    """AdamW (Loshchilov and Hutter 2019): the weight decay is separate from the gradient."""

    kind: Literal["adamw"]
    betas: Annotated[list[Momentum], Field(min_length=2, max_length=2)]
    """The decay rates of the running means of the gradient and of its square."""
    epsilon: Positive
    """The number that is added to the denominator, for stability."""
    weight_decay: WeightDecay
    """Each step multiplies the weights by 1 - learning rate * this factor."""


class Constant(Params):
    """The learning rate stays the same."""

    kind: Literal["constant"]


class Step(Params):
    """Constant at first, then smaller with every epoch (Zaremba, Sutskever and Vinyals 2014)."""

    kind: Literal["step"]
    constant_epochs: Annotated[int, Field(ge=1, le=100_000)]
    """The number of epochs at the full learning rate."""
    factor: Annotated[float, Field(gt=0, lt=1)]
    """Each later epoch multiplies the learning rate by this factor."""


class Cosine(Params):
    """Along half a cosine to zero (Loshchilov and Hutter 2017, without restarts)."""

    kind: Literal["cosine"]


class OneCycle(Params):
    """Up to the learning rate and down again, both along half a cosine (Smith and Topin 2018)."""

    kind: Literal["onecycle"]
    warmup_fraction: Annotated[float, Field(gt=0, lt=1)]
    """The fraction of the steps in which the learning rate rises."""
    initial_factor: Annotated[float, Field(gt=0, le=1)]
    """The first learning rate, as a fraction of `learning_rate`."""
    final_factor: Annotated[float, Field(ge=0, le=1)]
    """The last learning rate, as a fraction of `learning_rate`."""


class Plateau(Params):
    """Smaller whenever the validation loss has not improved."""

    kind: Literal["plateau"]
    factor: Annotated[float, Field(gt=0, lt=1)]
    """The learning rate is multiplied by this factor."""
    patience: Annotated[int, Field(ge=1, le=100_000)]
    """The number of epochs without a better validation loss after which the rate is multiplied by `factor`."""


class ClipNorm(Params):
    """Gradients with a larger Euclidean norm are scaled down to it (Pascanu, Mikolov and Bengio 2013)."""

    kind: Literal["norm"]
    max_norm: Positive


class ClipValue(Params):
    """Every element of a gradient is clipped to [-max_value, max_value]."""

    kind: Literal["value"]
    max_value: Positive


class NoClip(Params):
    """Gradients are not clipped."""

    kind: Literal["none"]


class NoAveraging(Params):
    """The weights are not averaged."""

    kind: Literal["none"]


class ExponentialMovingAverage(Params):
    """The validated and saved weights are an exponential moving average (EMA) of the trained weights."""

    kind: Literal["ema"]
    decay: Probability
    """The weight of the previous average at each step. The average of the first steps is the plain mean."""


class NonMonotonicallyTriggeredAsgd(Params):
    """NT-ASGD (Merity, Keskar and Socher 2018), which is meant for sgd at a constant learning rate.

    The validated and saved weights are the plain mean of all weights since the validation loss was first worse than the
    best one of more than `interval` epochs before.
    """

    kind: Literal["nt_asgd"]
    interval: Annotated[int, Field(ge=1, le=100_000)]
    """The number of epochs, n in the paper."""


Optimizer = Annotated[Sgd | Adam | AdamW, Field(discriminator="kind")]
Schedule = Annotated[Constant | Step | Cosine | OneCycle | Plateau, Field(discriminator="kind")]
Clip = Annotated[ClipNorm | ClipValue | NoClip, Field(discriminator="kind")]
Averaging = Annotated[
    NoAveraging | ExponentialMovingAverage | NonMonotonicallyTriggeredAsgd, Field(discriminator="kind")
]


class Training(Params):
    """How a network is trained."""

    epochs: Annotated[int, Field(ge=1, le=100_000)]
    """The maximum number of epochs. Early stopping may end the training sooner."""
    patience: Annotated[int, Field(ge=1, le=100_000)]
    """Training stops after this number of epochs without a better validation loss. The best weights are kept."""
    batch_size: Size
    """The number of subsequences in a batch (or of sentence pairs, or of texts of a classifier)."""
    accumulate_grad_batches: Size
    """The number of batches per optimizer step. Their gradients are averaged."""
    learning_rate: Annotated[float, Field(gt=0, le=100)]
    """The learning rate that the schedule multiplies by its factors."""
    optimizer: Optimizer
    schedule: Schedule
    """The factor of the learning rate over the planned steps."""
    clip: Clip
    """The clipping of the gradients."""
    averaging: Averaging
    """The average of the weights that is validated and saved."""
    precision: Literal[32, 16, "bf16"]
    """The number of bits of products. Weights have 32 bits in any case. `bf16` runs everywhere, 16 on a GPU only."""
    checkpoint_steps: Annotated[int, Field(ge=1, le=10**9)]
    """The number of batches between two checkpoints, from which a killed run resumes. It changes no result."""
    ranks: Annotated[int, Field(ge=1, le=1024, exclude_if=lambda ranks: ranks == 1)]
    """The number of processes that share the rows of each batch. It changes the last bits of results, and dropout.

    A saved model names it if it is above 1, so that other models have the same bytes as those of earlier releases.
    """

    @model_validator(mode="after")
    def _share_rows(self) -> "Training":
        if self.ranks > self.batch_size:
            raise ValueError(
                f"ranks: {self.ranks} exceed the {self.batch_size} rows of a batch; lower ranks or raise batch_size"
            )
        return self

    @property
    def fitted_on_valid(self) -> tuple[str, ...]:
        """What is selected by the validation loss. The one validation of a single epoch selects nothing."""
        if self.epochs == 1:
            return ()
        selected = {
            "stopping epoch": True,
            "learning rate": self.schedule.kind == "plateau",
            "start of averaging": self.averaging.kind == "nt_asgd",
        }
        return tuple(name for name, is_selected in selected.items() if is_selected)


def ranks_of(settings: Any) -> int:
    """Return the number of ranks that train an entry of params.yaml.

    Args:
        settings: The settings of the entry, of any family.

    Returns:
        `training.ranks` of the entry or of its member; 1 if no network is trained.
    """
    settings = getattr(settings, "member", settings)
    return settings.training.ranks if hasattr(settings, "training") else 1


def with_ranks(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Add `training.ranks` to the settings of a saved model, which omit it if it is 1.

    Args:
        saved: The settings of a model of any family, as it was saved.

    Returns:
        The settings with all keys.
    """
    if "member" in saved:
        return {**saved, "member": with_ranks(saved["member"])}
    return {**saved, "training": {"ranks": 1, **saved["training"]}} if "training" in saved else {**saved}
