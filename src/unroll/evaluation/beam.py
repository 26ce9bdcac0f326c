"""Beam search over the contract, for all contexts of a batch at once.

Of every context the `beam` most probable beginnings are kept. A beginning that ends while it is among them is finished;
the search of a context is over when `beam` have finished, or at its longest length, where `<eos>` is the only choice.
Finished texts are ranked as in Wu et al. (2016), equation 14, with |Y| tokens, `<eos>` included, and a_ts the attention
of target token t on source token s:

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

Numbers = NDArray[np.floating]
UNATTENDED = 1e-9
"""Attention of a source token that got less counts as this much: its logarithm is finite."""


@dataclass(frozen=True)
class Hypothesis:
    tokens: Ids
    """Without `<eos>`."""
    log_prob: float
    """Of the tokens and `<eos>`, nats: the sum of `log_probs`."""
    rank: float
    """What the search orders by: `log_prob`, normalised."""


def search(model: LanguageModel[Any], longest: Sequence[int], params: Search) -> list[list[Hypothesis]]:
    """At most `beam` hypotheses, best first and at least one, for each context of `model.start(len(longest))`;
    longest[i] is the number of tokens of context i at most."""
    found: list[list[Hypothesis]] = [[] for _ in longest]
    if not found:
        return found
    width, alive, limits = params.beam, np.arange(len(longest)), np.asarray(longest)
    state = model.select(model.start(len(alive)), np.repeat(alive, width))
    log_probs: Numbers = np.full(
        (len(alive), width), -np.inf
    )  # (A, K) of A searches; at first all K beginnings are one
    log_probs[:, 0] = 0
    texts: Ids = np.zeros((len(alive), width, 0), dtype=np.int64)  # (A, K, step)
    attended = _attended(model, state, params)  # (A K, S), summed over the tokens so far
    for step in range(int(limits.max()) + 1):
        following = np.array(model.next_log_probs(state))  # (A K, V)
        ending = np.repeat(limits[alive] == step, width)
        following[ending, :EOS] = following[ending, EOS + 1 :] = -np.inf
        values, parents, tokens = _candidates(log_probs, following, 2 * width)
        covered = _coverage(attended, log_probs, params)
        length = ((6 + step) / 6) ** params.length_penalty
        for row, rank in zip(*np.nonzero(((tokens == EOS) & (values > -np.inf))[:, :width]), strict=True):
            log_prob, parent = values[row, rank], parents[row, rank]
            normalised = float(log_prob / length + covered[row, parent])
            found[alive[row]].append(Hypothesis(texts[row, parent], float(log_prob), normalised))
        for row in np.flatnonzero(limits[alive] == step):  # a text that cannot end
            found[alive[row]] = found[alive[row]] or [Hypothesis(texts[row, 0], -np.inf, -np.inf)]
        going = np.flatnonzero([len(found[a]) < width and limits[a] > step for a in alive])
        if not len(going):
            break
        # At most one candidate of each beginning is its end: among 2 K there are K that go on.
        onward = np.argsort(tokens[going] == EOS, axis=1, kind="stable")[:, :width]
        log_probs = np.take_along_axis(values[going], onward, 1)
        parents, tokens = (np.take_along_axis(ids[going], onward, 1) for ids in (parents, tokens))
        texts = np.concatenate([texts[going[:, None], parents], tokens[:, :, None]], axis=2)
        rows = (going[:, None] * width + parents).ravel()
        state, alive = model.advance(model.select(state, rows), tokens.ravel()), alive[going]
        attended = None if attended is None else attended[rows] + _attended(model, state, params)
    return [sorted(own, key=lambda one: -one.rank)[:width] for own in found]


def _candidates(log_probs: Numbers, following: Numbers, count: int) -> tuple[Numbers, Ids, Ids]:
    """The `count` best (log p, beginning, next token) of each search, best first; shape (A, count) each."""
    searches, width = log_probs.shape
    best, columns = largest(following, min(count, following.shape[1]))
    joint = (log_probs[:, :, None] + best.reshape(searches, width, -1)).reshape(searches, -1)
    order = np.argsort(-joint, axis=1, kind="stable")[:, :count]
    values = np.take_along_axis(joint, order, 1)
    tokens = np.take_along_axis(columns.reshape(searches, -1), order, 1)
    return values, order // best.shape[1], np.where(values > -np.inf, tokens, np.where(tokens == EOS, EOS, EOS + 1))


def _attended(model: LanguageModel[Any], state: Any, params: Search) -> Any:
    wanted = params.coverage_penalty > 0 and isinstance(model, AttentionModel)
    return model.attention(state) if wanted and isinstance(model, AttentionModel) else None


def _coverage(attended: Any, log_probs: Numbers, params: Search) -> Numbers:
    """cp of each beginning; 0 without attention."""
    if attended is None:
        return np.zeros(log_probs.shape)
    covered = np.nansum(np.log(np.clip(attended, UNATTENDED, 1)), axis=1)
    return params.coverage_penalty * covered.reshape(log_probs.shape)


def largest(values: Numbers, count: int) -> tuple[Numbers, Ids]:
    """The `count` largest of each row and their columns, largest first; of equal ones the first.

    The `count` largest numbers lie in the `count` chunks with the largest maxima, so most are looked at only once. The
    chunks are such that there are as many maxima to sort as numbers in the chosen ones."""
    size = values.shape[1]
    chunk = math.isqrt(size // count)
    columns = np.broadcast_to(np.arange(size), values.shape)
    if chunk > 1:
        whole = size // chunk * chunk
        peaks = values[:, :whole].reshape(len(values), -1, chunk).max(axis=2)
        chunks = np.sort(np.argsort(-peaks, axis=1, kind="stable")[:, :count], axis=1)
        inside = (chunks[:, :, None] * chunk + np.arange(chunk)).reshape(len(values), -1)
        columns = np.concatenate([inside, np.broadcast_to(np.arange(whole, size), (len(values), size - whole))], axis=1)
        values = np.take_along_axis(values, columns, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(values, order, 1), np.take_along_axis(columns, order, 1)
