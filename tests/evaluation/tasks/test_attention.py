"""The attention weights of a translation, one row for each target token."""

from typing import Any

import numpy as np
import pytest

from unroll.evaluation.tasks.translation import attention_weights


class Diagonal:
    """The attention of target token t is on source token t."""

    vocabulary_size = 9

    def __init__(self, attentive: bool) -> None:
        self.attentive = attentive

    def condition_on(self, sources: Any) -> Any:
        self.length = len(sources[0]) + 1
        return self

    def start(self, batch_size: int = 1) -> int:
        return 0

    def advance(self, state: int, tokens: Any) -> int:
        return state + 1

    def attention(self, state: int) -> Any:
        return np.eye(self.length)[[state]] if self.attentive else None


@pytest.mark.parametrize("attentive", [True, False])
def test_a_row_per_token_of_the_target(attentive: bool) -> None:
    weights = attention_weights(Diagonal(attentive), np.asarray([4, 5]), np.asarray([6, 7, 2]))
    if attentive:
        np.testing.assert_array_equal(weights, np.eye(3))
    else:
        assert weights is None
