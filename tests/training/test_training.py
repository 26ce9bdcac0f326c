"""Learning rates, optimizers, clipping and averages equal their definitions."""

import math
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from tests import toy
from unroll.params.training import Training
from unroll.training.optimizer import build_optimizer, clip_gradients
from unroll.training.perplexity import perplexity
from unroll.training.schedule import Schedule
from unroll.training.weight_averaging import WeightAveraging

SGD = {"kind": "sgd", "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}


def params(**changes: Any) -> Training:
    return Training.model_validate(toy.TRAINING | changes)


def factors(**schedule: Any) -> list[float]:
    """Return the factors of 20 batches in 4 epochs."""
    found = Schedule(params(schedule=schedule), 20)
    return [found.factor(batch, batch // 5) for batch in range(20)]


def test_rates() -> None:
    assert factors(kind="constant") == [1.0] * 20
    assert factors(kind="step", constant_epochs=2, factor=0.5)[::5] == [1, 1, 0.5, 0.25]
    cosine = factors(kind="cosine")
    assert cosine[0] == 1
    assert cosine[10] == pytest.approx(0.5)
    assert cosine[19] == pytest.approx((1 - math.cos(math.pi / 20)) / 2)
    cycle = factors(kind="onecycle", warmup_fraction=0.25, initial_factor=0.1, final_factor=0.01)
    assert cycle[0] == pytest.approx(0.1)
    assert max(cycle) == cycle[5] == pytest.approx(1)
    assert cycle[5:] == sorted(cycle[5:], reverse=True)


def test_a_plateau_lowers_the_rate() -> None:
    schedule = Schedule(params(schedule={"kind": "plateau", "factor": 0.5, "patience": 2}), 100)
    found = []
    for loss in (3.0, 2.0, 2.0, 2.1, 1.0, 1.5, 1.0, 0.5):
        schedule.record_validation(loss)
        found.append(schedule.factor(0, 0))
    assert found == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]


@pytest.fixture
def weight() -> nn.Parameter:
    parameter = nn.Parameter(torch.tensor([1.0, -2.0]))
    parameter.grad = torch.tensor([3.0, -4.0])
    return parameter


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (SGD, [1 - 0.3, -2 + 0.4]),
        (SGD | {"weight_decay": 1.0}, [1 - 0.4, -2 + 0.6]),
        (SGD | {"momentum": 0.9, "nesterov": True}, [1 - 0.3 * 1.9, -2 + 0.4 * 1.9]),
        (toy.TRAINING["optimizer"], [0.9, -1.9]),  # the first step of Adam has the size of the learning rate
        (toy.TRAINING["optimizer"] | {"kind": "adamw", "weight_decay": 1.0}, [0.8, -1.7]),
    ],
)
def test_the_first_step_of_an_optimizer(weight: nn.Parameter, optimizer: dict[str, Any], expected: list[float]) -> None:
    build_optimizer(params(learning_rate=0.1, optimizer=optimizer), [weight]).step()
    torch.testing.assert_close(weight.data, torch.tensor(expected))


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(ValidationError, match="nesterov needs a momentum above 0"):
        params(optimizer=SGD | {"nesterov": True})


@pytest.mark.parametrize(
    ("values", "expected", "clipped_norm"),
    [
        ({"kind": "norm", "max_norm": 1.0}, [0.6, -0.8], 1),
        ({"kind": "norm", "max_norm": 5.0}, [3.0, -4.0], 5),
        ({"kind": "value", "max_value": 3.5}, [3, -3.5], (3**2 + 3.5**2) ** 0.5),
        ({"kind": "none"}, [3.0, -4.0], 5),
    ],
)
def test_clipping(weight: nn.Parameter, values: dict[str, Any], expected: list[float], clipped_norm: float) -> None:
    norms = clip_gradients([weight, nn.Parameter(torch.zeros(3))], params(clip=values).clip)
    assert [float(norm) for norm in norms] == pytest.approx([5, clipped_norm])
    torch.testing.assert_close(weight.grad, torch.tensor(expected), rtol=1e-5, atol=1e-5)


def walk(average: WeightAveraging, weight: nn.Parameter, values: list[float]) -> None:
    for value in values:
        weight.data.fill_(value)
        average.update()


def test_exponential_average_begins_as_a_plain_mean() -> None:
    weight = nn.Parameter(torch.zeros(1))
    average = WeightAveraging(params(averaging={"kind": "ema", "decay": 0.75}).averaging, [weight])
    walk(average, weight, [1, 2, 6, 7, 9])
    mean: Tensor | float = (1 + 2 + 6 + 7) / 4
    torch.testing.assert_close(average.mean[0], torch.tensor([0.75 * mean + 0.25 * 9]))
    average.swap()
    assert weight.item() == pytest.approx(0.75 * mean + 0.25 * 9)
    average.swap()
    assert weight.item() == 9


def test_nt_asgd_begins_when_the_loss_does_not_improve() -> None:
    weight = nn.Parameter(torch.zeros(1))
    average = WeightAveraging(params(averaging={"kind": "nt_asgd", "interval": 2}).averaging, [weight])
    for loss, active in ((5.0, False), (4.0, False), (3.0, False), (3.5, False), (4.2, True), (3.0, True)):
        walk(average, weight, [loss])
        average.record_validation(loss)
        assert average.active is active
    walk(average, weight, [1.0])
    torch.testing.assert_close(average.mean[0], torch.tensor([(3.0 + 1.0) / 2]))


def test_a_perplexity_beyond_the_largest_float_is_infinite() -> None:
    assert perplexity(1.5) == math.exp(1.5)
    assert perplexity(705.0) == math.exp(705.0)
    assert perplexity(800.0) == perplexity(math.inf) == math.inf
