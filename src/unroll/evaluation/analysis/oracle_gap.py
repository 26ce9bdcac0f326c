"""The distance to a known source, on the tokens that it made: what is left to learn, and where.

The loss of a model exceeds that of the source by KL(source || model) in the mean; on the same tokens the luck of the
sample cancels, so the difference is far more certain than either loss. A model of d parameters fitted by maximum
likelihood to N tokens is expected d / 2N nats per token from the truth (Akaike 1974), if it can be the truth at all.
"""

import math
from dataclasses import dataclass

import numpy as np

from unroll.evaluation.statistics import Difference, Floats, compare
from unroll.params.evaluate import Statistics

MILLIBITS = 1000 / math.log(2)
"""Per nat."""


def excess(model: Floats, truth: Floats, params: Statistics, seed: int) -> Difference:
    """Millibits per token that the losses `model` (T,) in nats are above those of the source."""
    found = compare(model, truth, params, seed)
    return Difference(found.mean * MILLIBITS, found.low * MILLIBITS, found.high * MILLIBITS, found.p)


def expected(parameters: int, train_tokens: int) -> float:
    """d / 2N in millibits per token."""
    return parameters / (2 * train_tokens) * MILLIBITS


@dataclass(frozen=True)
class Group:
    """Test tokens that are about as frequent as each other."""

    rarest: int
    commonest: int
    """Times that its tokens are in the train split."""
    tokens: int
    gain: float
    """Mean of log p_model - log p_source, nats; below 0 where the model is worse."""


def by_rarity(model: Floats, truth: Floats, seen: Floats, groups: int) -> list[Group]:
    """The test tokens in `groups` parts as nearly equal as ties allow, the rarest first: tokens seen equally often in
    training stay together."""
    order = np.sort(seen)
    edges = np.unique([order[len(order) * part // groups] for part in range(groups)])
    part = np.searchsorted(edges, seen, side="right")
    found = []
    for number in np.unique(part):
        inside = part == number
        gain = float((truth[inside] - model[inside]).mean())
        found.append(Group(int(seen[inside].min()), int(seen[inside].max()), int(inside.sum()), gain))
    return found
