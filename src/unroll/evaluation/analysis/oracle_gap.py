"""The distance of a model to the oracle of a sampled corpus, on the sampled tokens.

The mean loss of a model exceeds that of the oracle by KL(oracle || model). On the same tokens most of the variance of
the sample cancels, so the difference is much more certain than either loss. A model of d parameters that contains the
oracle, fitted by maximum likelihood to N tokens, has an expected excess of d / 2N nats per token (Akaike 1974).
"""

import math
from dataclasses import dataclass

import numpy as np

from unroll.evaluation.statistics import Difference, Floats, compare
from unroll.params.evaluate import Statistics

MILLIBITS = 1000 / math.log(2)
"""The number of millibits in a nat."""


def excess(model: Floats, oracle: Floats, params: Statistics, seed: int) -> Difference:
    """Compare the losses of a model with those of the oracle.

    Args:
        model: The losses (T,) of the model in nats.
        oracle: The losses (T,) of the oracle on the same tokens.
        params: The settings of the interval.
        seed: The random seed.

    Returns:
        The excess of the model in millibits per token.
    """
    difference = compare(model, oracle, params, seed)
    low, high = difference.low * MILLIBITS, difference.high * MILLIBITS
    return Difference(difference.mean * MILLIBITS, low, high, difference.p)


def expected_excess(parameters: int, train_tokens: int) -> float:
    """Return d / 2N in millibits per token, for d parameters and N training tokens."""
    return parameters / (2 * train_tokens) * MILLIBITS


@dataclass(frozen=True)
class FrequencyGroup:
    """Test tokens with similar counts in the train split."""

    min_count: int
    """The smallest count of its tokens in the train split."""
    max_count: int
    """The largest count of its tokens in the train split."""
    tokens: int
    """The number of test tokens."""
    gain: float
    """The mean of log p_model - log p_oracle in nats. It is negative if the model is worse."""


def gain_by_frequency(model: Floats, oracle: Floats, train_counts: Floats, groups: int) -> list[FrequencyGroup]:
    """Compare a model with the oracle in groups of test tokens by their counts in the train split.

    Args:
        model: The losses (T,) of the model in nats.
        oracle: The losses (T,) of the oracle on the same tokens.
        train_counts: The count (T,) of each test token in the train split.
        groups: The number of groups. Their sizes are as equal as possible, since tokens with the same count are in the
            same group; there can be fewer groups.

    Returns:
        The groups, the rarest tokens first.
    """
    ordered = np.sort(train_counts)
    edges = np.unique([ordered[len(ordered) * part // groups] for part in range(groups)])
    part = np.searchsorted(edges, train_counts, side="right")
    results = []
    for number in np.unique(part):
        inside = part == number
        counts = train_counts[inside]
        gain = float((oracle[inside] - model[inside]).mean())
        results.append(FrequencyGroup(int(counts.min()), int(counts.max()), int(inside.sum()), gain))
    return results
