"""The scale of a series."""

import numpy as np
import pytest

from unroll.errors import UnrollError
from unroll.series.scale import Scale


def test_standardized_values_have_mean_0_and_deviation_1_and_can_be_restored() -> None:
    values = np.arange(12.0) ** 2
    scale = Scale.standardize(values)
    assert scale.apply(values).mean() == pytest.approx(0, abs=1e-12)
    assert scale.apply(values).std() == pytest.approx(1)
    np.testing.assert_allclose(scale.invert(scale.apply(values)), values, atol=1e-12)


def test_a_constant_has_no_scale() -> None:
    with pytest.raises(UnrollError, match="has the value 1 throughout its train split; use a series that varies"):
        Scale.standardize(np.ones(20))
