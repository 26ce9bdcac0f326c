"""The gain of one model over another on each token of the vocabulary."""

import numpy as np

from unroll.evaluation.token_losses import token_gains


def test_gains_add_up_to_the_difference() -> None:
    token, surface = np.array([4, 5, 4, 6]), np.array(["a", "b", "a", "c"], object)
    first = {"token": token, "surface": surface, "nll": np.array([1.0, 2.0, 1.0, np.inf])}
    second = {"token": token, "surface": surface, "nll": np.array([2.0, 1.5, 3.0, 1.0])}
    rows = token_gains(first, second)
    assert [(r.surface, r.count, r.gain, r.second_nll, r.first_nll) for r in rows] == [
        ("a", 2, 3, 2.5, 1),
        ("b", 1, -0.5, 1.5, 2),
    ]
