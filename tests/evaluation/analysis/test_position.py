"""The loss by position in the document."""

import numpy as np

from unroll.evaluation.analysis.context_ablation import loss_by_position


def test_groups_of_positions_add_up() -> None:
    log_probs = [-np.arange(1.0, 6), -np.arange(1.0, 3)]
    rows = loss_by_position(log_probs)
    assert [(row["first"], row["last"], row["tokens"]) for row in rows] == [(0, 0, 2), (1, 1, 2), (2, 3, 2), (4, 7, 1)]
    assert [row["nats"] for row in rows] == [1, 2, 3.5, 5]
