"""The choice between settings by their errors on a development set, which may be small.

The fewest errors on a few texts are chance. By the rule of one standard error (Breiman et al. 1984), a setting is as
good as the one with the fewest errors if its additional errors, summed over the texts, are at most their standard
error. Of these settings, the one that is closest to the given setting is chosen. So few texts change little.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def choose_setting(errors: NDArray[np.integer], distances: Sequence[Any]) -> int:
    """Choose a setting.

    Args:
        errors: The errors of each setting on each text, (texts, settings).
        distances: How far each setting is from the given one, which is one of them, as values with an order.

    Returns:
        The index of the setting; that of the given one if there is only one text, which has no standard error.
    """
    if len(errors) == 1:
        return min(range(len(distances)), key=lambda index: distances[index])
    totals = errors.sum(axis=0)
    best = min(range(len(distances)), key=lambda index: (totals[index], distances[index]))
    excess = errors - errors[:, [best]]
    standard_error = np.sqrt(len(errors)) * excess.std(axis=0, ddof=1)
    good = np.flatnonzero(excess.sum(axis=0) <= standard_error).tolist()
    return min(good, key=lambda index: (distances[index], totals[index]))
