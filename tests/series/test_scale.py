"""The scale of a series, measured on its train split."""

import numpy as np
import pytest

from unroll.errors import UnrollError
from unroll.series.forecaster import Scale

SQUARES = np.column_stack([np.arange(20.0) ** 2, 100 - np.arange(20.0)])
TRAIN = SQUARES[:12]
NAMES = ("x1", "x2")


def test_standardized_values_have_mean_0_and_deviation_1() -> None:
    scaled = Scale.standardize(TRAIN, NAMES).apply(TRAIN)
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(0), 1, atol=1e-6)


def test_inverting_restores_values_outside_train() -> None:
    scale = Scale.standardize(TRAIN, NAMES)
    np.testing.assert_allclose(scale.invert(scale.apply(SQUARES)), SQUARES, rtol=1e-6, atol=1e-9)


def test_each_column_has_the_scale_that_it_has_alone_and_missing_numbers_are_left_out() -> None:
    values = np.concatenate([TRAIN, [[np.nan, 3.0], [5.0, np.nan]]])
    scale = Scale.standardize(values, NAMES)
    for column, alone in enumerate((np.append(TRAIN[:, 0], 5.0), np.append(TRAIN[:, 1], 3.0))):
        other = Scale.standardize(alone[:, None], ("value",))
        assert (scale.shift[column], scale.unit[column]) == (other.shift[0], other.unit[0])


def test_a_constant_has_no_scale() -> None:
    with pytest.raises(UnrollError, match="the series has the value 1 throughout its train split"):
        Scale.standardize(np.ones((20, 1)), ("value",))
    with pytest.raises(UnrollError, match="column x2 of the series has the value 1 throughout its train split"):
        Scale.standardize(np.column_stack([np.arange(20.0), np.ones(20)]), NAMES)
    with pytest.raises(UnrollError, match="column x1 of the series has no value in its train split"):
        Scale.standardize(np.column_stack([np.full(20, np.nan), np.ones(20)]), NAMES)
