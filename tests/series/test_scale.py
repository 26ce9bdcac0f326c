"""The scale of a series, measured on its train split."""

import numpy as np
import pytest

from unroll.errors import UnrollError
from unroll.series.forecaster import Scale

SQUARES = np.arange(20.0) ** 2
TRAIN = SQUARES[:12]


def test_standardized_values_have_mean_0_and_deviation_1() -> None:
    scaled = Scale.standardize(TRAIN).apply(TRAIN)
    assert abs(float(scaled.mean())) < 1e-6
    assert abs(float(scaled.std()) - 1) < 1e-6


def test_inverting_restores_values_outside_train() -> None:
    scale = Scale.standardize(TRAIN)
    np.testing.assert_allclose(scale.invert(scale.apply(SQUARES)), SQUARES, rtol=1e-6, atol=1e-9)


def test_a_constant_has_no_scale() -> None:
    with pytest.raises(UnrollError, match="has the value 1 throughout its train split"):
        Scale.standardize(np.ones(20))
