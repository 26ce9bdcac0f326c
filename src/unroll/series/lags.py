"""The previous values that a regression reads."""

import numpy as np

from unroll.series.forecaster import Floats, Origins


def values_before(values: Floats, origins: Origins, order: int) -> Floats:
    """Return the `order` values before each origin, the latest first.

    Args:
        values: The values (T, d).
        origins: The origins (O,), at most T.
        order: The number tau of values.

    Returns:
        The vectors x_{t-1}, .., x_{t-tau} one after the other (O, tau d); NaN where they begin before the series.
    """
    positions = origins[:, None] - np.arange(1, order + 1)  # (O, tau)
    found = values[np.maximum(positions, 0)]  # (O, tau, d)
    found[positions < 0] = np.nan
    return found.reshape(len(origins), -1)
