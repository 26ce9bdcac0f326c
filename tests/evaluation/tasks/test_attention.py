"""Where a model looks: the weights that it tells, row by row of the target."""

from typing import Any

import numpy as np
import pytest

from unroll.evaluation.tasks.attention import alignment


class Looking:
    """Looks at source token t while it predicts target token t."""

    vocabulary_size = 9

    def __init__(self, attentive: bool) -> None:
        self.attentive = attentive

    def given(self, sources: Any) -> Any:
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
    found = alignment(Looking(attentive), np.asarray([4, 5]), np.asarray([6, 7, 2]))
    if attentive:
        np.testing.assert_array_equal(found, np.eye(3))
    else:
        assert found is None
