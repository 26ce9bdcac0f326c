"""The transition probabilities of a tagger: counts of n-grams of tags, and their smoothing."""

from collections.abc import Sequence

import numpy as np

from unroll.models.base.tag_chain import Array
from unroll.models.hmm_tagger.params import AdditiveSmoothing, InterpolatedSmoothing
from unroll.text.streams import Ids


def count(labels: Sequence[Ids], tags: int, order: int) -> Array:
    """Count the n-grams of tags.

    Args:
        labels: The tags (T,) of each sentence.
        tags: The number K of tags.
        order: The order n, 2 or 3.

    Returns:
        The counts with n axes of K + 1. The last index is the border: the last axis counts the end of a sentence, and
        the others the begin.
    """
    counts = np.zeros((tags + 1,) * order)
    for sentence in labels:
        padded = np.concatenate([[tags] * (order - 1), sentence, [tags]]).astype(np.int64)
        grams = [padded[first : len(padded) - order + 1 + first] for first in range(order)]
        np.add.at(counts, tuple(grams), 1.0)
    return counts


def estimate(counts: Array, smoothing: AdditiveSmoothing | InterpolatedSmoothing) -> Array:
    """Estimate the transition probabilities.

    Args:
        counts: What `count` returned.
        smoothing: The smoothing.

    Returns:
        p(next tag | history), (K + 1, R, K + 1), as `unroll.models.base.tag_chain` defines it.
    """
    if isinstance(smoothing, AdditiveSmoothing):
        probabilities = _divide(counts + smoothing.k)
    else:
        levels = [_divide(lower) for lower in _lower_orders(counts)]
        weights = deleted_interpolation(counts)
        probabilities = sum((weight * level for weight, level in zip(weights, levels, strict=True)), np.zeros(()))
        # A history that never occurs has the distribution of the lower orders alone.
        probabilities = _divide(np.broadcast_to(probabilities, counts.shape))
    return np.ascontiguousarray(probabilities.reshape(len(counts), -1, len(counts)))


def _divide(counts: Array) -> Array:
    """Divide counts (..., K + 1) by their sums over the last axis. Without counts the result is zero."""
    sums = counts.sum(-1, keepdims=True)
    return np.divide(counts, sums, out=np.zeros(counts.shape), where=sums > 0)


def _lower_orders(counts: Array) -> list[Array]:
    """Return the counts of the last 1, 2, .. n tags."""
    return [counts.sum(tuple(range(counts.ndim - order))) for order in range(1, counts.ndim + 1)]


def deleted_interpolation(counts: Array) -> Array:
    """Compute the weights of the orders 1 .. n (Brants 2000, figure 1).

    Each n-gram of the train split votes, with its count, for the order that predicts its last tag best if the n-gram
    itself is left out of the counts.

    Args:
        counts: The counts of n-grams.

    Returns:
        The weights (n,), which sum to one.
    """
    grams = np.nonzero(counts)
    votes = np.empty((counts.ndim, len(grams[0])))
    for index, lower in enumerate(_lower_orders(counts)):
        own, history = grams[counts.ndim - index - 1 :], lower.sum(-1)
        seen, before = lower[own] - 1, history[own[:-1]] - 1
        votes[index] = np.divide(seen, before, out=np.zeros(len(seen)), where=before > 0)
    # Of equal predictions the highest order wins, so that the weights do not depend on rounding.
    best = counts.ndim - 1 - votes[::-1].argmax(0)
    weights = np.bincount(best, counts[grams], minlength=counts.ndim)
    return weights / weights.sum()
