"""The weight of the cache, where the best one is known."""

import numpy as np
import pytest

from unroll.evaluation.perplexity import fit_weight, mix


def test_the_weight_of_the_cache_is_the_best_one() -> None:
    """Half of the tokens have 0.6 in the cache and half 0.04; all have 0.1 in the model. The derivative of the mean of
    log((1 - w) p_model + w p_cache) is zero where 0.5 (0.1 - 0.06 w) = 0.06 (0.1 + 0.5 w): w = 11/15."""
    model, cache = [np.log([0.1, 0.1])], [np.log([0.6, 0.04])]
    weight = fit_weight(model, cache, iterations=1000)
    assert weight == pytest.approx(11 / 15)
    (mixture,) = mix(model, cache, weight)
    np.testing.assert_allclose(np.exp(mixture), [0.1 * 4 / 15 + 0.6 * 11 / 15, 0.1 * 4 / 15 + 0.04 * 11 / 15])
    assert fit_weight([np.empty(0)], [np.empty(0)], iterations=3) == 0
