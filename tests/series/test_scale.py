"""The scale of a series, measured on its train split."""

import numpy as np
import pytest

from unroll.errors import UnrollError
from unroll.series.scale import Scale

SQUARES = np.arange(20.0) ** 2
TRAIN = SQUARES[:12]


@pytest.mark.parametrize(("kind", "low", "high"), [("none", 0, 121), ("range", 0, 1)])
def test_the_limits_of_scaled_values(kind: str, low: float, high: float) -> None:
    scaled = Scale.of(TRAIN, kind).apply(TRAIN)
    assert (float(scaled.min()), float(scaled.max())) == (low, high)


def test_standard_values_have_mean_0_and_deviation_1() -> None:
    scaled = Scale.of(TRAIN, "standard").apply(TRAIN)
    assert abs(float(scaled.mean())) < 1e-6
    assert abs(float(scaled.std()) - 1) < 1e-6


@pytest.mark.parametrize("kind", ["none", "standard", "range"])
def test_inverting_restores_values_outside_train(kind: str) -> None:
    scale = Scale.of(TRAIN, kind)
    np.testing.assert_allclose(scale.invert(scale.apply(SQUARES)), SQUARES, rtol=1e-6, atol=1e-9)


def test_a_constant_has_no_scale() -> None:
    with pytest.raises(UnrollError, match="is 1 throughout its train split; set scale: none"):
        Scale.of(np.ones(20), "standard")
