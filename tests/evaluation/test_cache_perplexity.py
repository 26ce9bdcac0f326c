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


def test_a_step_of_em_is_the_mean_posterior_probability_of_the_cache() -> None:
    """From w = 1/2 they are 0.6 / (0.6 + 0.1) = 6/7 and 0.04 / (0.04 + 0.1) = 2/7."""
    model, cache = [np.log([0.1]), np.log([0.1])], [np.log([0.6]), np.log([0.04])]
    assert fit_weight(model, cache, iterations=0) == 0.5
    assert fit_weight(model, cache, iterations=1) == pytest.approx((6 / 7 + 2 / 7) / 2)


def test_a_token_that_is_possible_in_one_of_both_belongs_to_it() -> None:
    """Three tokens are possible in the cache only and one in the model only. A token of neither has no part in it."""
    model = [np.array([-np.inf, -np.inf, -np.inf, -1.0, -np.inf])]
    cache = [np.array([-2.0, -3.0, -4.0, -np.inf, -np.inf])]
    assert fit_weight(model, cache, iterations=1) == fit_weight(model, cache, iterations=50) == 0.75
    assert fit_weight(model[:1], [np.full(5, -np.inf)], iterations=2) == 0
    assert fit_weight([np.full(5, -np.inf)], [np.full(5, -np.inf)], iterations=2) == 0


def test_an_extreme_weight_gives_one_of_both_models() -> None:
    model, cache = [np.array([-1.0, -np.inf], np.float32)], [np.array([-np.inf, -2.0])]
    np.testing.assert_array_equal(mix(model, cache, 0)[0], model[0])
    np.testing.assert_array_equal(mix(model, cache, 1)[0], cache[0])


def test_a_missing_document_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        mix([np.zeros(2), np.zeros(2)], [np.zeros(2)], 0.5)
