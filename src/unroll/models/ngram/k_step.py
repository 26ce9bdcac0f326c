"""Exact k-step-ahead predictions of an n-gram model: the sum over all tokens that may come in between.

The predictions of an n-gram model depend on the longest suffix of the context, at most n - 1 tokens, that is in its
tables. This suffix is a *node*: one of the k-grams with k < n. The context some steps ahead is therefore a distribution
a over nodes, and one more token changes it to a':

    P(w) = sum_h a(h) p(w | h)
    a'(g) = sum of a(h) p(w | h) over all h, w such that g is the longest suffix of h w in the tables

There are many nodes, and each can be followed by V tokens. But p(w | h) = gamma(h) p(w | h') wherever h w was not seen,
where h' is h without its first token. So mass is passed down from h to h' once for all w, and is subtracted where h w
was seen:

    down(h) = a(h) + sum over x of gamma(x h) down(x h)
    rest(h w) = (down(h) - sum over x with x h w seen of gamma(x h) down(x h)) p(w | h)
    all(h w) = rest(h w) + sum over x of all(x h w),    in the highest order n: all(h w) = a(h) p(w | h)

P(w) is all(w); a'(g) is all(g) in order n - 1 and rest(g) below. The cost of a step is proportional to the number of
n-grams in the tables, not to V^k.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.models.base.protocol import LogProbs
from unroll.models.ngram.index import Index, NgramTable
from unroll.text.tokenizers.vocabulary import EOS

Mass = NDArray[np.float64]
NUMBERS = 1 << 20
"""The number of masses of an order that are held together, 8 MB. It bounds memory and changes no result."""


class Suffixes:
    """The last k - 1 tokens of the k-grams of one order."""

    def __init__(self, index: Index, count: int) -> None:
        """Set the index (N,) of each suffix among the `count` (k-1)-grams."""
        self.index, self.count = index, count

    def sum(self, mass: Mass) -> Mass:
        """Sum the mass (N, B) of all k-grams with the same suffix, (count, B)."""
        return np.stack([np.bincount(self.index, column, self.count) for column in mass.T], axis=1)


class Automaton:
    """The nodes of a model by their number of tokens k, from 0 (the empty context) to n - 1, and its transitions."""

    def __init__(self, orders: Sequence[NgramTable], vocabulary_size: int) -> None:
        """Set the table of each order and the size of the vocabulary.

        Raises:
            UnrollError: The last tokens of a k-gram are not a (k-1)-gram of the model.
        """
        self.order = len(orders)
        self.probs = [np.exp(table.log_probs.astype(np.float64))[:, None] for table in orders]  # of (k + 1)-grams
        self.gammas = [np.exp(table.log_backoffs.astype(np.float64))[:, None] for table in orders]
        self.contexts = [np.zeros(vocabulary_size, np.int64), *(table.keys // vocabulary_size for table in orders[1:])]
        self.last = [table.keys % vocabulary_size for table in orders]
        self.suffixes = [Suffixes(np.zeros(vocabulary_size, np.int64), 1)]
        for k in range(1, self.order):
            below = orders[k - 1].keys if k > 1 else np.arange(vocabulary_size)
            wanted = self.suffixes[-1].index[self.contexts[k]] * vocabulary_size + self.last[k]
            index = np.minimum(np.searchsorted(below, wanted), len(below) - 1)
            if (below[index] != wanted).any():
                raise UnrollError(
                    f"an n-gram model has a {k + 1}-gram whose last {k} tokens are not one of its {k}-grams; "
                    "predictions several steps ahead need a model that family ngram has estimated"
                )
            self.suffixes.append(Suffixes(index, len(below)))

    def place(self, state: Index) -> list[Mass]:
        """Put the mass of each context of a state (n - 1, B) on its node: for each k an array (N_k, B)."""
        rows = np.arange(state.shape[1])
        nodes = [np.zeros((1 if k == 0 else len(self.last[k - 1]), len(rows))) for k in range(self.order)]
        longest = np.where(state >= 0, np.arange(1, self.order)[:, None], 0).max(0, initial=0)  # (B,)
        for k in range(self.order):
            here = rows[longest == k]
            nodes[k][state[k - 1, here] if k else np.zeros_like(here), here] = 1
        return nodes

    def step(self, nodes: list[Mass]) -> tuple[Mass, list[Mass]]:
        """Read one more token.

        Args:
            nodes: The mass of the nodes, for each k an array (N_k, B).

        Returns:
            P (V, B) of the next token, and the mass of the nodes after it. Documents that have ended have no node.
        """
        down = list(nodes)
        passed = [np.zeros_like(nodes[0])]
        for k in range(self.order - 1, 0, -1):
            passed.insert(1, self.gammas[k - 1] * down[k])
            down[k - 1] = down[k - 1] + self.suffixes[k - 1].sum(passed[1])
        whole = np.take(down[-1], self.contexts[-1], axis=0) * self.probs[-1]
        after = [np.zeros_like(nodes[0]) for _ in nodes]
        for k in range(self.order - 1, 0, -1):  # of k-grams
            seen = self.suffixes[k].sum(np.take(passed[k], self.contexts[k], axis=0))
            # The difference is not negative, except for rounding.
            rest = np.maximum(np.take(down[k - 1], self.contexts[k - 1], axis=0) - seen, 0) * self.probs[k - 1]
            whole = rest + self.suffixes[k].sum(whole)
            after[k] = np.where((self.last[k - 1] == EOS)[:, None], 0, whole if k == self.order - 1 else rest)
        if self.order == 1:
            after[0] = whole.sum(0, keepdims=True) - whole[EOS]
        return whole, after


def k_step_log_probs(orders: Sequence[NgramTable], vocabulary_size: int, state: Index, steps: int) -> LogProbs:
    """Compute exact predictions 1 to `steps` tokens ahead.

    Args:
        orders: The table of each order.
        vocabulary_size: The size of the vocabulary.
        state: The state (n - 1, B) of `unroll.models.ngram.model.Model`.
        steps: The number of steps.

    Returns:
        log p(x_{t+k} | x_1..x_t) for k = 1 .. steps, (steps, B, V). `<eos>` is followed by `<eos>`.

    Raises:
        UnrollError: The last tokens of a k-gram are not a (k-1)-gram of the model. This does not happen in models that
            are estimated here.
    """
    automaton = Automaton(orders, vocabulary_size)
    results = np.empty((steps, state.shape[1], vocabulary_size))
    rows = max(1, NUMBERS // max(len(table.keys) for table in orders))
    for first in range(0, state.shape[1], rows):
        nodes = automaton.place(state[:, first : first + rows])
        ended = np.zeros(nodes[0].shape[1])
        for step in range(steps):
            tokens, nodes = automaton.step(nodes)
            tokens[EOS] += ended
            ended = tokens[EOS].copy()
            results[step, first : first + rows] = tokens.T
    with np.errstate(divide="ignore"):
        return np.log(results)
