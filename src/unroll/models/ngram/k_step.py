"""k-step-ahead predictions of an n-gram model, exact: the sum over everything that may come between.

What a model knows of a text is the longest end of it, of n - 1 tokens at most, that it has seen: a *node*, which is one
of its k-grams, k < n. So a text some steps ahead is a distribution a over nodes, and one more token moves it:

    P(w) = sum_h a(h) p(w | h),   a'(g) = sum of a(h) p(w | h) over the h, w for which g is the longest known end of h w

The nodes are many, and V tokens follow each; but p(w | h) = gamma(h) p(w | h') wherever h w was not seen, h' being h
without its first token. So mass is passed down from h to h' once, for all w, and taken back where h w was seen:

    down(h) = a(h) + sum over x of gamma(x h) down(x h)
    rest(h w) = (down(h) - sum over x with x h w seen of gamma(x h) down(x h)) p(w | h)
    all(h w) = rest(h w) + sum over x of all(x h w),    in the highest order n: all(h w) = a(h) p(w | h)

P(w) is all(w); a'(g) is all(g) in order n - 1 and rest(g) below. A step costs what the model has n-grams, whatever V^k.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.models.base.protocol import LogProbs
from unroll.text.tokenizers.vocabulary import EOS

Index = NDArray[np.int64]
Mass = NDArray[np.float64]
NUMBERS = 1 << 20
"""Masses of an order held at once, 8 MB: bounds memory and changes no result."""


class Grams(Protocol):
    """All k-grams of one order, as `unroll.models.ngram.model` has them."""

    @property
    def keys(self) -> Index: ...
    @property
    def log_probs(self) -> NDArray[np.float32]: ...
    @property
    def log_backoffs(self) -> NDArray[np.float32]: ...


class Ends:
    """For the k-grams of one order their last k - 1 tokens, as an index (N,) among those of the order below."""

    def __init__(self, of: Index, count: int) -> None:
        self.of, self.count = of, count

    def total(self, mass: Mass) -> Mass:
        """(N, B) of the k-grams, summed into (count, B) of their ends."""
        return np.stack([np.bincount(self.of, column, self.count) for column in mass.T], axis=1)


class Automaton:
    """The nodes by their number of tokens k, 0 (nothing is known) to n - 1."""

    def __init__(self, orders: Sequence[Grams], vocabulary_size: int) -> None:
        self.order = len(orders)
        self.probs = [np.exp(grams.log_probs.astype(np.float64))[:, None] for grams in orders]  # of (k + 1)-grams
        self.gammas = [np.exp(grams.log_backoffs.astype(np.float64))[:, None] for grams in orders]
        self.contexts = [np.zeros(vocabulary_size, np.int64), *(g.keys // vocabulary_size for g in orders[1:])]
        self.last = [grams.keys % vocabulary_size for grams in orders]
        self.ends = [Ends(np.zeros(vocabulary_size, np.int64), 1)]
        for k in range(1, self.order):
            below = orders[k - 1].keys if k > 1 else np.arange(vocabulary_size)
            wanted = self.ends[-1].of[self.contexts[k]] * vocabulary_size + self.last[k]
            ends = np.minimum(np.searchsorted(below, wanted), len(below) - 1)
            if (below[ends] != wanted).any():
                raise UnrollError(f"an n-gram model has a {k + 1}-gram whose last {k} tokens are none of its {k}-grams")
            self.ends.append(Ends(ends, len(below)))

    def place(self, state: Index) -> list[Mass]:
        """All mass of each context of a state (n - 1, B) in its node: per k an array (N_k, B)."""
        rows = np.arange(state.shape[1])
        nodes = [np.zeros((1 if k == 0 else len(self.last[k - 1]), len(rows))) for k in range(self.order)]
        longest = np.where(state >= 0, np.arange(1, self.order)[:, None], 0).max(0, initial=0)  # (B,)
        for k in range(self.order):
            here = rows[longest == k]
            nodes[k][state[k - 1, here] if k else np.zeros_like(here), here] = 1
        return nodes

    def step(self, nodes: list[Mass]) -> tuple[Mass, list[Mass]]:
        """P (V, B) of the next token, and the nodes after it; what has ended is in none of them."""
        down = list(nodes)
        passed = [np.zeros_like(nodes[0])]
        for k in range(self.order - 1, 0, -1):
            passed.insert(1, self.gammas[k - 1] * down[k])
            down[k - 1] = down[k - 1] + self.ends[k - 1].total(passed[1])
        whole = np.take(down[-1], self.contexts[-1], axis=0) * self.probs[-1]
        after = [np.zeros_like(nodes[0]) for _ in nodes]
        for k in range(self.order - 1, 0, -1):  # of k-grams
            seen = self.ends[k].total(np.take(passed[k], self.contexts[k], axis=0))
            # Never below nought, but for the rounding of a difference.
            rest = np.maximum(np.take(down[k - 1], self.contexts[k - 1], axis=0) - seen, 0) * self.probs[k - 1]
            whole = rest + self.ends[k].total(whole)
            after[k] = np.where((self.last[k - 1] == EOS)[:, None], 0, whole if k == self.order - 1 else rest)
        if self.order == 1:
            after[0] = whole.sum(0, keepdims=True) - whole[EOS]
        return whole, after


def k_step_log_probs(orders: Sequence[Grams], vocabulary_size: int, state: Index, steps: int) -> LogProbs:
    """log p(x_t+k | x_1..t) for k = 1 .. steps, (steps, B, V), of contexts (n - 1, B); after `<eos>` comes `<eos>`.

    UnrollError where the last tokens of a k-gram are no (k-1)-gram: no model that is estimated here has such a one."""
    automaton = Automaton(orders, vocabulary_size)
    found = np.empty((steps, state.shape[1], vocabulary_size))
    rows = max(1, NUMBERS // max(len(grams.keys) for grams in orders))
    for first in range(0, state.shape[1], rows):
        nodes = automaton.place(state[:, first : first + rows])
        ended = np.zeros(nodes[0].shape[1])
        for step in range(steps):
            tokens, nodes = automaton.step(nodes)
            tokens[EOS] += ended
            ended = tokens[EOS].copy()
            found[step, first : first + rows] = tokens.T
    with np.errstate(divide="ignore"):
        return np.log(found)
