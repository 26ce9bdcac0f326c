"""The scores of lines."""

import math

import pytest

from unroll.use.scoring import LineScore, sum_scores


@pytest.mark.parametrize("log_likelihood", [-math.inf, -3000.0])
def test_the_perplexity_of_an_almost_impossible_line_is_infinite(log_likelihood: float) -> None:
    line = LineScore(log_likelihood, 2, 0, 10, 0, 0)
    assert line.perplexity == math.inf
    assert sum_scores([line]).perplexity == math.inf
    assert LineScore(-3.0, 2, 0, 10, 0, 0).perplexity == math.exp(1.5)
