"""n-gram language models: relative frequencies of words after the n - 1 before them, smoothed.

Every smoothing here is one recursion over the order k (Chen and Goodman 1998; Heafield et al. 2013):

    p_k(w | h) = kept(h w) / total(h) + gamma(h) p_{k-1}(w | h'),    gamma(h) = 1 - sum_w kept(h w) / total(h)

where h' is h without its first token, p_0 is uniform over what can be predicted, and gamma(h) = 1 if h was never seen.
A smoothing says what `kept` and `total` are (`smooth`). So a model is, as in an ARPA file, log p_k of every n-gram seen
and log gamma of every context: whatever was not seen has p_k(w | h) = gamma(h) p_{k-1}(w | h').

An n-gram is known by its *index*: the k-grams are sorted by key = (index of their first k - 1 tokens) * V + last token;
a 1-gram's index is its token, and -1 stands for an n-gram that is not there. So one binary search per order finds the
k-gram that ends at each position of a whole corpus. No n-gram crosses a document border; `<bos>` stands once, in front.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.ngram import k_step
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
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import BOS, FIRST_PREDICTED

Index = NDArray[np.int64]
Floats = NDArray[np.float64]
MISSING = -1


@dataclass(frozen=True)
class Grams:
    """All k-grams of one order in a model."""

    keys: Index
    """(N,) sorted."""
    log_probs: NDArray[np.float32]
    """(N,) log p_k(last token | the tokens before it)."""
    log_backoffs: NDArray[np.float32]
    """(N,) log gamma of the k-gram as a context; empty in the highest order."""


class Model:
    """A state is an array (n - 1, B): the indices of the 1-, 2-, ... (n-1)-gram that end each context, else -1."""

    def __init__(self, params: dict[str, Any], vocabulary_size: int, orders: Sequence[Grams]) -> None:
        self.params, self.vocabulary_size, self.orders = params, vocabulary_size, orders

    def start(self, batch_size: int = 1) -> Index:
        state = np.full((len(self.orders) - 1, batch_size), MISSING)
        state[:1] = BOS
        return state

    def advance(self, state: Index, tokens: Ids) -> Index:
        after = np.empty_like(state)
        after[:1] = tokens
        for k in range(1, len(after)):
            after[k] = find(self.orders[k].keys, state[k - 1], tokens, self.vocabulary_size)
        return after

    def next_log_probs(self, state: Index) -> LogProbs:
        scores = np.repeat(self.orders[0].log_probs[None].astype(np.float64), state.shape[1], axis=0)  # (B, V)
        for shorter, longer, contexts in zip(self.orders[:-1], self.orders[1:], state, strict=True):
            scores += np.where(contexts == MISSING, 0, shorter.log_backoffs[contexts])[:, None]
            row, seen = _children(longer.keys, contexts, self.vocabulary_size)
            scores[row, longer.keys[seen] - contexts[row] * self.vocabulary_size] = longer.log_probs[seen]
        return scores

    def select(self, state: Index, rows: Ids) -> Index:
        return state[:, rows]

    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        if not documents:
            return []
        lengths = [len(document) for document in documents]
        starts = np.cumsum([0, *lengths[:-1]])
        tokens = np.insert(np.concatenate(documents).astype(np.int64), starts, BOS)
        scores = self.orders[0].log_probs[tokens].astype(np.float64)
        matches = lookup([grams.keys for grams in self.orders], tokens, self.vocabulary_size)
        for shorter, longer, (at, contexts, found) in zip(self.orders[:-1], self.orders[1:], matches, strict=True):
            backed_off = scores[at] + shorter.log_backoffs[contexts]
            scores[at] = np.where(found == MISSING, backed_off, longer.log_probs[found])
        firsts = starts + np.arange(1, len(starts) + 1)
        return [scores[first : first + length] for first, length in zip(firsts, lengths, strict=True)]

    def k_step_log_probs(self, state: Index, steps: int) -> LogProbs:
        return k_step.k_step_log_probs(self.orders, self.vocabulary_size, state, steps)

    def save(self, path: Path) -> None:
        weights = {
            f"{k}.{name}": value for k, grams in enumerate(self.orders, 1) for name, value in vars(grams).items()
        }
        storage.write(path, {"params": self.params, "vocabulary_size": self.vocabulary_size}, weights)


def load(path: Path) -> Model:
    """The model `Model.save` wrote."""
    saved, weights = storage.read_params(path), storage.read_weights(path)
    names = list(Grams.__dataclass_fields__)
    orders = [Grams(*(weights[f"{k}.{name}"] for name in names)) for k in range(1, len(weights) // len(names) + 1)]
    return Model(saved["params"], saved["vocabulary_size"], orders)


def find(keys: Index, contexts: Index, tokens: Ids, vocabulary_size: int) -> Index:
    """The index among the k-grams with these sorted `keys` of each (k-1)-gram `contexts` extended by `tokens`."""
    if len(keys) == 0:
        return np.full(len(contexts), MISSING)
    wanted = contexts * vocabulary_size + tokens
    order, at = np.argsort(wanted), np.empty(len(wanted), dtype=np.int64)
    at[order] = np.searchsorted(keys, wanted[order])  # in order they share the cache: three times as fast
    at = np.minimum(at, len(keys) - 1)
    return np.where(keys[at] == wanted, at, MISSING)  # a missing context makes `wanted` negative, like no key


def lookup(keys: Sequence[Index], tokens: Ids, vocabulary_size: int) -> Iterator[tuple[Index, Index, Index]]:
    """Per order from 2 on: the positions of `tokens` (documents end to end, each after its `<bos>`) whose context was
    seen, the contexts' indices, and the indices of the k-grams that end there."""
    index = np.asarray(tokens, dtype=np.int64)  # of the (k-1)-gram that ends at each position
    for k in range(1, len(keys)):
        at = np.flatnonzero((index[:-1] != MISSING) & (tokens[1:] != BOS)) + 1
        contexts = index[at - 1]
        found = find(keys[k], contexts, tokens[at], vocabulary_size)
        yield at, contexts, found
        index = np.full(len(tokens), MISSING)
        index[at] = found


def _children(keys: Index, contexts: Index, vocabulary_size: int) -> tuple[Index, Index]:
    """(row, index) of every k-gram that extends contexts[row]."""
    first = np.searchsorted(keys, contexts * vocabulary_size)
    many = np.where(contexts == MISSING, 0, np.searchsorted(keys, (contexts + 1) * vocabulary_size) - first)
    row = np.repeat(np.arange(len(contexts)), many)
    return row, np.arange(len(row)) + np.repeat(first - np.cumsum(many) + many, many)


# Estimation


@dataclass(frozen=True)
class Counted:
    """All k-grams of one order in a text."""

    keys: Index
    contexts: Index
    """(N,) index of the first k - 1 tokens; 0, the empty context, for 1-grams."""
    suffixes: Index
    """(N,) index of the last k - 1 tokens; for 1-grams the token."""
    counts: Index
    initial: NDArray[np.bool_]
    """(N,) whether it begins with `<bos>`: such a one has nothing to its left."""


def count(tokens: Ids, order: int, vocabulary_size: int) -> list[Counted]:
    """Count the 1- to `order`-grams of documents end to end, each after its `<bos>`, which is a context only."""
    index, words = np.asarray(tokens, dtype=np.int64), np.arange(vocabulary_size)
    counts = np.bincount(index[index != BOS], minlength=vocabulary_size)
    orders = [Counted(words, np.zeros_like(words), words, counts, words == BOS)]
    for _ in range(2, order + 1):
        at = np.flatnonzero((index[:-1] != MISSING) & (tokens[1:] != BOS)) + 1
        keys, inverse, counts = np.unique(
            index[at - 1] * vocabulary_size + tokens[at], return_inverse=True, return_counts=True
        )
        contexts, suffixes = keys // vocabulary_size, np.empty(len(keys), dtype=np.int64)
        suffixes[inverse] = index[at]
        orders.append(Counted(keys, contexts, suffixes, counts, orders[-1].initial[contexts]))
        index = np.full(len(tokens), MISSING)
        index[at] = inverse
    return orders


def fit(params: NgramParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Estimate the model from data.train.

    Args:
        params: The settings.
        data: The partition. Its valid split gives Jelinek-Mercer its weights, and every smoothing a loss to log.
        inputs: Not used.
        log: Receives the validation loss.

    Returns:
        The model.
    """
    size, updates, weights = data.vocabulary_size, 0, [1.0] * params.order
    orders = count(data.train.tokens, params.order, size)
    if isinstance(params.smoothing, JelinekMercer):
        updates = params.smoothing.iterations
        weights = fit_weights(orders, data.valid.tokens, updates, size, log)
    model = Model(params.model_dump(), size, estimate(orders, params, weights, size))
    loss = -float(np.concatenate(model.log_probs(data.valid.documents)).mean())
    log(updates, valid_loss=loss, valid_perplexity=float(np.exp(min(loss, 700.0))))
    return model


def estimate(
    orders: Sequence[Counted], params: NgramParams, weights: Sequence[float], vocabulary_size: int
) -> list[Grams]:
    """The recursion of the module's head, from order 1 up; `weights` are Jelinek-Mercer's, by order."""
    lower = np.where(np.arange(vocabulary_size) < FIRST_PREDICTED, 0, 1 / (vocabulary_size - FIRST_PREDICTED))
    whole = np.array([True])  # which (k-1)-grams pruning leaves
    keys, log_probs, log_backoffs = [], [], []
    for k, grams in enumerate(orders, 1):
        counts, kept, added = _smooth(orders, k, params.smoothing, weights[k - 1], vocabulary_size)
        before, whole = whole, (grams.counts > params.prune[min(k, len(params.prune)) - 1]) | (k == 1)
        kept = kept * whole
        total = np.bincount(grams.contexts, counts, len(before)) + added
        rest = total - np.bincount(grams.contexts, kept, len(before))
        gamma = np.divide(rest, total, out=np.ones(len(before)), where=total > 0)
        lower = kept / total[grams.contexts] + gamma[grams.contexts] * lower[grams.suffixes]  # p_k of every k-gram
        contexts = (np.cumsum(before) - 1)[grams.contexts]
        keys.append((grams.keys + (contexts - grams.contexts) * vocabulary_size)[whole])
        with np.errstate(divide="ignore"):  # log 0 is -inf
            log_probs.append(np.log(lower[whole]).astype(np.float32))
            log_backoffs.append(np.log(gamma[before]).astype(np.float32))
    log_backoffs = [*log_backoffs[1:], np.empty(0, np.float32)]  # of the empty context, in front, is no one's
    return [Grams(*order) for order in zip(keys, log_probs, log_backoffs, strict=True) if len(order[0])]


def _smooth(
    orders: Sequence[Counted], k: int, smoothing: Smoothing, weight: float, vocabulary_size: int
) -> tuple[NDArray, NDArray, float]:
    """Of every k-gram the count that `total` sums and the part of it that is `kept`; and what is added to `total`."""
    counts = orders[k - 1].counts
    match smoothing:
        case MaximumLikelihood():
            return counts, counts, 0
        case AddK():  # the full context or none: c(h w) + k / c(h) + k V'
            counts = counts * (orders[k - 1].initial | (k == len(orders)))
            return counts, counts, smoothing.k * (vocabulary_size - FIRST_PREDICTED)
        case JelinekMercer():
            return counts, weight * counts, 0
        case AbsoluteDiscounting():
            return counts, counts - _discounts(counts, [smoothing.fallback]), 0
        case KneserNey():
            left = _left_neighbours(orders, k)
            return left, left - _discounts(left, [smoothing.fallback]), 0
        case ModifiedKneserNey():
            left = _left_neighbours(orders, k)
            return left, left - _discounts(left, smoothing.fallback), 0
    assert_never(smoothing)


def _left_neighbours(orders: Sequence[Counted], k: int) -> Index:
    """Kneser-Ney's count of a k-gram below the highest order: of distinct tokens before it, `<bos>` being one. A k-gram
    that begins with `<bos>` keeps its own count, as KenLM has it."""
    grams = orders[k - 1]
    if k == len(orders):
        return grams.counts
    return np.where(grams.initial, grams.counts, np.bincount(orders[k].suffixes, minlength=len(grams.keys)))


def _discounts(counts: Index, fallback: list[float]) -> Floats:
    """The discount of each count: one D_j per count j, the last also for all above; as many as in `fallback`.

    D_j = j - (j + 1) Y n_{j+1} / n_j with Y = n_1 / (n_1 + 2 n_2) (Chen and Goodman 1998, equation 26), n_j being the
    number of k-grams counted j times; D_1 = Y is the one of Ney, Essen and Kneser (1994). `fallback` where KenLM asks
    for one: where an n_j is 0 or a discount out of [0, j].
    """
    j = np.arange(1, len(fallback) + 1)
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype(np.float64)
    discounts = np.array([0, *fallback])
    if n[j].all():
        estimated = j - (j + 1) * n[1] / (n[1] + 2 * n[2]) * n[j + 1] / n[j]
        discounts[1:] = estimated if (estimated >= 0).all() else fallback
    return discounts[np.minimum(counts, len(fallback))]


def fit_weights(orders: Sequence[Counted], tokens: Ids, updates: int, vocabulary_size: int, log: Log) -> list[float]:
    """Jelinek-Mercer weights by EM on held-out `tokens`; logs their loss (nats per token) before each update.

    p_k = weight_k ML_k + (1 - weight_k) p_{k-1} where the context was seen (Jelinek and Mercer 1980): a token is drawn
    by the first order, going down from n, that does not pass it on, and weight_k is the share order k keeps.
    """
    predicted = np.flatnonzero(np.asarray(tokens) != BOS)
    frequencies = [(predicted, orders[0].counts[tokens[predicted]] / orders[0].counts.sum())]  # ML_k, where defined
    found = lookup([grams.keys for grams in orders], tokens, vocabulary_size)
    for shorter, longer, (at, contexts, index) in zip(orders[:-1], orders[1:], found, strict=True):
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
        reaches = np.ones(len(tokens))  # probability that order k had its turn, given the token
        for k in reversed(range(len(orders))):
            at, frequency = frequencies[k]
            keeps = reaches[at] * weights[k] * frequency / probs[k + 1][at]
            if len(at):
                weights[k] = float(keeps.sum() / reaches[at].sum())
            reaches[at] -= keeps
    return weights
