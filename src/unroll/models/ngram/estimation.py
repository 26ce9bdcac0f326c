"""Smoothed n-gram probabilities from counts.

Every smoothing here is one recursion over the order k (Chen and Goodman 1998; Heafield et al. 2013):

    p_k(w | h) = kept(h w) / total(h) + gamma(h) p_{k-1}(w | h'),    gamma(h) = 1 - sum_w kept(h w) / total(h)

where h' is h without its first token, p_0 is uniform over the tokens that can be predicted, and gamma(h) = 1 if h was
never seen. A smoothing method defines `kept` and `total`.
"""

from collections.abc import Sequence
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from unroll.models.base.protocol import Log
from unroll.models.ngram.counting import NgramCounts
from unroll.models.ngram.index import MISSING, Index, NgramTable, match_ngrams
from unroll.models.ngram.params import (
    AbsoluteDiscounting,
    AddK,
    JelinekMercer,
    KneserNey,
    MaximumLikelihood,
    ModifiedKneserNey,
    NgramParams,
    Smoothing,
)
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS, FIRST_PREDICTED

Floats = NDArray[np.float64]


def estimate(
    orders: Sequence[NgramCounts], params: NgramParams, weights: Sequence[float], vocabulary_size: int
) -> list[NgramTable]:
    """Estimate the probabilities of all orders by the recursion of this module.

    Args:
        orders: The counts of each order.
        params: The settings, with the smoothing and the pruning.
        weights: The Jelinek-Mercer weight of each order. Other smoothings do not use them.
        vocabulary_size: The size of the vocabulary.

    Returns:
        The table of each order. Orders without n-grams are left out.
    """
    lower = np.where(np.arange(vocabulary_size) < FIRST_PREDICTED, 0, 1 / (vocabulary_size - FIRST_PREDICTED))
    whole = np.array([True])  # whether pruning keeps each (k-1)-gram
    keys, log_probs, log_backoffs = [], [], []
    for k, ngrams in enumerate(orders, 1):
        counts, kept, added = _smooth(orders, k, params.smoothing, weights[k - 1], vocabulary_size)
        before, whole = whole, (ngrams.counts > params.prune[min(k, len(params.prune)) - 1]) | (k == 1)
        kept = kept * whole
        total = np.bincount(ngrams.contexts, counts, len(before)) + added
        rest = total - np.bincount(ngrams.contexts, kept, len(before))
        gamma = np.divide(rest, total, out=np.ones(len(before)), where=total > 0)
        lower = kept / total[ngrams.contexts] + gamma[ngrams.contexts] * lower[ngrams.suffixes]  # p_k of every k-gram
        contexts = (np.cumsum(before) - 1)[ngrams.contexts]
        keys.append((ngrams.keys + (contexts - ngrams.contexts) * vocabulary_size)[whole])
        with np.errstate(divide="ignore"):  # log 0 is -inf
            log_probs.append(np.log(lower[whole]).astype(np.float32))
            log_backoffs.append(np.log(gamma[before]).astype(np.float32))
    log_backoffs = [
        *log_backoffs[1:],
        np.empty(0, np.float32),
    ]  # the first is of the empty context, which is not stored
    return [NgramTable(*order) for order in zip(keys, log_probs, log_backoffs, strict=True) if len(order[0])]


def _smooth(
    orders: Sequence[NgramCounts], k: int, smoothing: Smoothing, weight: float, vocabulary_size: int
) -> tuple[NDArray, NDArray, float]:
    """Return the count of every k-gram that `total` sums, the part of it that is `kept`, and a constant for `total`."""
    counts = orders[k - 1].counts
    match smoothing:
        case MaximumLikelihood():
            return counts, counts, 0
        case AddK():  # (c(h w) + k) / (c(h) + k V') with the full context; shorter contexts are not used
            counts = counts * (orders[k - 1].initial | (k == len(orders)))
            return counts, counts, smoothing.k * (vocabulary_size - FIRST_PREDICTED)
        case JelinekMercer():
            return counts, weight * counts, 0
        case AbsoluteDiscounting():
            return counts, counts - _discounts(counts, [smoothing.fallback]), 0
        case KneserNey():
            adjusted = _adjusted_counts(orders, k)
            return adjusted, adjusted - _discounts(adjusted, [smoothing.fallback]), 0
        case ModifiedKneserNey():
            adjusted = _adjusted_counts(orders, k)
            return adjusted, adjusted - _discounts(adjusted, smoothing.fallback), 0
    assert_never(smoothing)


def _adjusted_counts(orders: Sequence[NgramCounts], k: int) -> Index:
    """Return the counts of Kneser-Ney smoothing.

    Below the highest order, the adjusted count of a k-gram is the number of distinct tokens (`<bos>` included) before
    it. As in KenLM, a k-gram that begins with `<bos>` keeps its count.
    """
    ngrams = orders[k - 1]
    if k == len(orders):
        return ngrams.counts
    return np.where(ngrams.initial, ngrams.counts, np.bincount(orders[k].suffixes, minlength=len(ngrams.keys)))


def _discounts(counts: Index, fallback: list[float]) -> Floats:
    """Return the discount of each count.

    D_j = j - (j + 1) Y n_{j+1} / n_j with Y = n_1 / (n_1 + 2 n_2) (Chen and Goodman 1998, equation 26), where n_j is
    the number of k-grams with count j. D_1 = Y is the discount of Ney, Essen and Kneser (1994).

    Args:
        counts: The counts (N,).
        fallback: The discounts of counts 1, 2, ...; the last one also holds for all higher counts. As in KenLM, they
            are used if an n_j is 0 or an estimated discount is not in [0, j].

    Returns:
        The discounts (N,).
    """
    j = np.arange(1, len(fallback) + 1)
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype(np.float64)
    discounts = np.array([0, *fallback])
    if n[j].all():
        estimated = j - (j + 1) * n[1] / (n[1] + 2 * n[2]) * n[j + 1] / n[j]
        discounts[1:] = estimated if (estimated >= 0).all() else fallback
    return discounts[np.minimum(counts, len(fallback))]


def fit_weights(
    orders: Sequence[NgramCounts], tokens: Ids, updates: int, vocabulary_size: int, log: Log
) -> list[float]:
    """Fit the weights of Jelinek-Mercer smoothing by EM on held-out text.

    p_k = weight_k ML_k + (1 - weight_k) p_{k-1} where the context was seen (Jelinek and Mercer 1980). From order n
    down, order k generates the token with probability weight_k, and otherwise order k - 1 follows. The M-step sets
    weight_k to the expected share that order k generates of the tokens that reach it.

    Args:
        orders: The counts of each order.
        tokens: The held-out text: documents end to end, each after its `<bos>`.
        updates: The number of EM steps.
        vocabulary_size: The size of the vocabulary.
        log: Receives the held-out loss, in nats per token, before each step.

    Returns:
        The weight of each order.
    """
    predicted = np.flatnonzero(np.asarray(tokens) != BOS)
    frequencies = [(predicted, orders[0].counts[tokens[predicted]] / orders[0].counts.sum())]  # ML_k, where defined
    matches = match_ngrams([ngrams.keys for ngrams in orders], tokens, vocabulary_size)
    for shorter, longer, (at, contexts, index) in zip(orders[:-1], orders[1:], matches, strict=True):
        total = np.bincount(longer.contexts, longer.counts, len(shorter.keys))[contexts]
        seen = total > 0
        frequencies.append((at[seen], np.where(index == MISSING, 0, longer.counts[index])[seen] / total[seen]))
    weights = [0.5] * len(orders)
    for update in range(updates):
        probs = [np.full(len(tokens), 1 / (vocabulary_size - FIRST_PREDICTED))]  # p_0, p_1, ... of every token
        for weight, (at, frequency) in zip(weights, frequencies, strict=True):
            probs.append(probs[-1].copy())
            probs[-1][at] += weight * (frequency - probs[-2][at])
        log(update, valid_loss=-float(np.log(probs[-1][predicted]).mean()))
        reaches = np.ones(len(tokens))  # the posterior probability that each token reaches order k
        for k in reversed(range(len(orders))):
            at, frequency = frequencies[k]
            generated = reaches[at] * weights[k] * frequency / probs[k + 1][at]
            if reaches[at].any():  # not if higher orders generate every token
                weights[k] = min(1.0, float(generated.sum() / reaches[at].sum()))
            reaches[at] = np.maximum(reaches[at] - generated, 0)  # rounding may give a number below 0
    return weights
