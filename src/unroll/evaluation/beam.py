"""Beam search over any language model, for all contexts of a batch at once.

For each context the `beam` most probable prefixes are kept. A prefix that ends with `<eos>` while it is among them is
finished. The search of a context stops when `beam` hypotheses are finished, or at its maximum length, where `<eos>` is
the only token allowed. Finished hypotheses are ranked as in Wu et al. (2016), equation 14, where |Y| is the number of
tokens with `<eos>`, and a_ts is the attention of target token t to source token s:

    log p(Y | X) / lp(Y) + cp(X; Y)      lp(Y) = ((5 + |Y|) / 6)^length_penalty
                                         cp(X; Y) = coverage_penalty sum_s log min(sum_t a_ts, 1)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.models.base.protocol import AttentionModel, LanguageModel
from unroll.params.evaluate import Search
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import EOS

Floats = NDArray[np.floating]
MIN_COVERAGE = 1e-9
"""The smallest total attention of a source token, so that its logarithm is finite."""


@dataclass(frozen=True)
class Hypothesis:
    """A finished result of the search."""

    tokens: Ids
    """The tokens without `<eos>`."""
    log_prob: float
    """The log-probability of the tokens and `<eos>`, in nats."""
    score: float
    """`log_prob` with length normalisation and coverage penalty, by which hypotheses are ranked."""


def search(model: LanguageModel[Any], max_lengths: Sequence[int], params: Search) -> list[list[Hypothesis]]:
    """Search for the most probable continuations of the contexts of `model.start(len(max_lengths))`.

    Args:
        model: The language model.
        max_lengths: For each context, the maximum number of tokens of a hypothesis.
        params: The width of the beam and the penalties.

    Returns:
        For each context, at least one and at most `beam` hypotheses, best first.
    """
    results: list[list[Hypothesis]] = [[] for _ in max_lengths]
    if not results:
        return results
    width, active, limits = params.beam, np.arange(len(max_lengths)), np.asarray(max_lengths)
    state = model.select(model.start(len(active)), np.repeat(active, width))
    log_probs: Floats = np.full((len(active), width), -np.inf)  # (A, K) of A contexts
    log_probs[:, 0] = 0  # at first the K prefixes of a context are equal
    texts: Ids = np.zeros((len(active), width, 0), dtype=np.int64)  # (A, K, step)
    attention = _attention(model, state, params)  # (A K, S), summed over the tokens so far
    for step in range(int(limits.max()) + 1):
        following = np.array(model.next_log_probs(state))  # (A K, V)
        ending = np.repeat(limits[active] == step, width)
        following[ending, :EOS] = following[ending, EOS + 1 :] = -np.inf
        values, parents, tokens = _candidates(log_probs, following, 2 * width)
        coverage = _coverage_penalty(attention, log_probs, params)
        length_penalty = ((6 + step) / 6) ** params.length_penalty
        for row, rank in zip(*np.nonzero(((tokens == EOS) & (values > -np.inf))[:, :width]), strict=True):
            log_prob, parent = values[row, rank], parents[row, rank]
            score = float(log_prob / length_penalty + coverage[row, parent])
            results[active[row]].append(Hypothesis(texts[row, parent], float(log_prob), score))
        for row in np.flatnonzero(limits[active] == step):  # a text in which `<eos>` is impossible
            results[active[row]] = results[active[row]] or [Hypothesis(texts[row, 0], -np.inf, -np.inf)]
        remaining = np.flatnonzero([len(results[a]) < width and limits[a] > step for a in active])
        if not len(remaining):
            break
        # At most one candidate of each prefix ends it, so at least K of 2 K candidates continue.
        continuing = np.argsort(tokens[remaining] == EOS, axis=1, kind="stable")[:, :width]
        log_probs = np.take_along_axis(values[remaining], continuing, 1)
        parents, tokens = (np.take_along_axis(ids[remaining], continuing, 1) for ids in (parents, tokens))
        texts = np.concatenate([texts[remaining[:, None], parents], tokens[:, :, None]], axis=2)
        rows = (remaining[:, None] * width + parents).ravel()
        state, active = model.advance(model.select(state, rows), tokens.ravel()), active[remaining]
        attention = None if attention is None else attention[rows] + _attention(model, state, params)
    return [sorted(hypotheses, key=lambda hypothesis: -hypothesis.score)[:width] for hypotheses in results]


def largest(values: Floats, count: int) -> tuple[Floats, Ids]:
    """Return the `count` largest values of each row and their columns, largest first, of equal values the first.

    The columns are divided into chunks. The `count` largest values lie in the `count` chunks with the largest maxima,
    so only these are sorted. The chunk size makes the number of chunks about equal to the number of values sorted.

    Args:
        values: Values (R, V).
        count: The number of values to return, at most V.

    Returns:
        The values and their columns, (R, count) each.
    """
    size = values.shape[1]
    chunk = math.isqrt(size // count)
    columns = np.broadcast_to(np.arange(size), values.shape)
    if chunk > 1:
        divisible = size // chunk * chunk
        maxima = values[:, :divisible].reshape(len(values), -1, chunk).max(axis=2)
        chunks = np.sort(np.argsort(-maxima, axis=1, kind="stable")[:, :count], axis=1)
        inside = (chunks[:, :, None] * chunk + np.arange(chunk)).reshape(len(values), -1)
        rest = np.broadcast_to(np.arange(divisible, size), (len(values), size - divisible))
        columns = np.concatenate([inside, rest], axis=1)
        values = np.take_along_axis(values, columns, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(values, order, 1), np.take_along_axis(columns, order, 1)


def _candidates(log_probs: Floats, following: Floats, count: int) -> tuple[Floats, Ids, Ids]:
    """Return the log p, the prefix and the next token of the `count` best candidates of each context, (A, count) each.

    Args:
        log_probs: log p of the prefixes (A, K).
        following: log p of the next tokens (A K, V).
        count: The number of candidates.
    """
    contexts, width = log_probs.shape
    best, columns = largest(following, min(count, following.shape[1]))
    joint = (log_probs[:, :, None] + best.reshape(contexts, width, -1)).reshape(contexts, -1)
    order = np.argsort(-joint, axis=1, kind="stable")[:, :count]
    values = np.take_along_axis(joint, order, 1)
    tokens = np.take_along_axis(columns.reshape(contexts, -1), order, 1)
    return values, order // best.shape[1], np.where(values > -np.inf, tokens, np.where(tokens == EOS, EOS, EOS + 1))


def _attention(model: LanguageModel[Any], state: Any, params: Search) -> Any:
    """Return the attention weights (A K, S), or None if the coverage penalty does not need them."""
    return model.attention(state) if params.coverage_penalty > 0 and isinstance(model, AttentionModel) else None


def _coverage_penalty(attention: Any, log_probs: Floats, params: Search) -> Floats:
    """Return cp of each prefix, (A, K); 0 without attention."""
    if attention is None:
        return np.zeros(log_probs.shape)
    coverage = np.nansum(np.log(np.clip(attention, MIN_COVERAGE, 1)), axis=1)
    return params.coverage_penalty * coverage.reshape(log_probs.shape)
