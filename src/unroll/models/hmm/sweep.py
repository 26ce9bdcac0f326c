"""Sweeps over rows whose entering messages are not known: they are guessed, and then repaired."""

from collections.abc import Callable

import torch
from torch import Tensor

CHECK_INTERVAL = 8
"""The number of steps of a repair between two checks whether it can end."""
TOLERANCE = 1e-12
"""The relative difference up to which messages are equal."""
MIN_POSITIVE = 1e-240
"""The smallest probability that is not treated as zero."""

Step = Callable[[int, Tensor | slice, Tensor, Tensor], Tensor]


def sweep(step: Step, times: range, values: Tensor, entering: Tensor, shift: Callable[[Tensor], Tensor]) -> Tensor:
    """Sweep all rows from guessed messages, and repair those rows whose guess was wrong.

    Args:
        step: A function of the time, the rows, their messages and an output tensor. It writes the values of this time
            to the output, and returns the next messages.
        times: The times in the order of the sweep.
        values: The values (L, R, S) to be filled by `step`.
        entering: The guessed messages (R, S) that enter the rows.
        shift: A function that returns the messages that enter the rows, given those that leave them.

    Returns:
        The messages (R, S) that leave the rows.
    """
    all_rows, message = slice(None), entering
    for t in times:
        message = step(t, all_rows, message, values[t])
    leaving = message.clone()
    while (differ := _differing_rows(arrived := shift(leaving), entering)).any():
        entering = message = arrived
        rows: Tensor | slice = all_rows
        picked = torch.arange(len(arrived), device=arrived.device)
        for done, t in enumerate(times):
            if done % CHECK_INTERVAL == 0:
                if not differ.any():
                    break
                if 2 * differ.sum() < len(differ):  # picking rows costs as much as a step
                    rows = picked = picked[differ]
                    message = message[differ]
            value = torch.empty_like(message)
            message = step(t, rows, message, value)
            if done % CHECK_INTERVAL == CHECK_INTERVAL - 1:
                differ = _differing_rows(value, values[t, rows])
            values[t, rows] = value
        else:
            leaving[rows] = message
    return leaving


def _differing_rows(new: Tensor, old: Tensor) -> Tensor:
    """Return which rows differ in any state, relative to its size, (R,)."""
    return ((new - old).abs() > TOLERANCE * old.abs() + MIN_POSITIVE).any(1)
