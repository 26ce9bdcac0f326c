"""The attention weights of a translation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.models.base.protocol import AttentionModel, ConditionalModel
from unroll.text.streams import Ids


def attention_weights(model: ConditionalModel, source: Ids, target: Ids) -> NDArray[np.floating] | None:
    """Return the weights of the source tokens in the prediction of each target token.

    Args:
        model: The model.
        source: The source (S - 1,), without special tokens.
        target: The target (T,).

    Returns:
        Weights (T, S), the last column those of the source's `<eos>`. None if the model has no attention.
    """
    if not isinstance(conditional := model.condition_on([source]), AttentionModel):
        return None
    decoder: Any = conditional
    state, rows = decoder.start(1), []
    for token in target:
        if (weights := decoder.attention(state)) is None:
            return None
        rows.append(weights[0])
        state = decoder.advance(state, np.asarray([token]))
    return np.stack(rows) if rows else None
