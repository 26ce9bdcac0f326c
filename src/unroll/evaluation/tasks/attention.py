"""Where a model with attention looks while it says a given target."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.models.base.protocol import AttentionModel, ConditionalModel
from unroll.text.streams import Ids


def alignment(model: ConditionalModel, source: Ids, target: Ids) -> NDArray[np.floating] | None:
    """(T, S): the weights of the source's tokens (the last is its end) behind the prediction of each token of `target`.
    `source` has no special tokens. None of a model without attention."""
    if not isinstance(found := model.condition_on([source]), AttentionModel):
        return None
    given: Any = found
    state, rows = given.start(1), []
    for token in target:
        if (weights := given.attention(state)) is None:
            return None
        rows.append(weights[0])
        state = given.advance(state, np.asarray([token]))
    return np.stack(rows) if rows else None
