"""One model trained with several seeds: the luck of the beginning, apart from the luck of the test text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unroll.evaluation.statistics import estimate
from unroll.evaluation.token_losses import Column
from unroll.params.evaluate import Statistics


@dataclass(frozen=True)
class Seeds:
    model: str
    names: Sequence[str]
    """Of the runs, the model itself first."""
    mean: float
    """Cross-entropy, nats per token, over all runs."""
    between: float
    """Standard deviation between the runs' cross-entropies (n - 1)."""
    text: tuple[float, float]
    """The interval of the mean run's cross-entropy for another test text."""


def measure(model: str, names: Sequence[str], nats: Mapping[str, Column], params: Statistics, seed: int) -> Seeds:
    """Of two runs at least, from their losses of the same tokens."""
    losses = np.stack([nats[name] for name in names])  # (runs, T)
    interval = estimate(losses.mean(0), params, seed)
    return Seeds(model, names, interval.mean, float(losses.mean(1).std(ddof=1)), (interval.low, interval.high))
