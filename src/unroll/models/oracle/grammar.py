"""The true predictions of a probabilistic context-free grammar: exact prefix probabilities.

This is the algorithm of Jelinek and Lafferty (1991) in the left-to-right form of Stolcke (1995). The inside chart is
I[i, j, A] = p(A yields words i..j-1). The forward vector F[k, A] is the expected number of nonterminals A that begin at
word k, in the derivations of the words before k. It is closed under left corners:

    F[0] = e_S R              R = (I - L)^-1, L[A, B] = sum_C p(A -> B C)
    F[k] = sum_i sum_AB F[i, A] p(A -> B C) I[i, k, B] R          (i < k)
    p(next word w | words before k) = F[k] . p(. -> w)            p(end | words before k) = I[0, k, S]

The emissions of each word are divided by its conditional probability, which scales the probability of the prefix to
one. So nothing underflows, and all results are conditional probabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from unroll.models.oracle.chains import Codes, Floats, log

CHART_ELEMENTS = 1 << 25
"""The number of elements of a batch of charts. It bounds memory."""


@dataclass(frozen=True)
class Chart:
    """The charts of B sentences after k words each."""

    inside: Floats
    """The inside chart I, (B, k, k + 1, N)."""
    forward: Floats
    """The forward vectors F, (B, k + 1, N)."""


@dataclass(frozen=True)
class Grammar:
    """A probabilistic context-free grammar in Chomsky normal form, whose start symbol S is nonterminal 0.

    A state is a tuple with one chart (B = 1) per row, since rows may have read different numbers of words.
    """

    rules: NDArray[np.int64]
    """A, B and C of the rules A -> B C with a positive probability, (R, 3), in ascending order."""
    probabilities: Floats
    """p(A -> B C), (R,)."""
    emission: Floats
    """p(A -> w), (N, M)."""

    @classmethod
    def from_dense(cls, binary: Floats, emission: Floats) -> "Grammar":
        """Make a grammar from p(A -> B C) (N, N, N) and p(A -> w) (N, M)."""
        rules = np.argwhere(binary)
        return cls(rules, binary[tuple(rules.T)], emission)

    @property
    def symbols(self) -> int:
        """The number of symbols M."""
        return self.emission.shape[1]

    @property
    def parameters(self) -> int:
        """R + E - N for R rules and E emissions with a positive probability: those of a nonterminal sum to one."""
        return len(self.rules) + int(np.count_nonzero(self.emission)) - len(self.emission)

    @cached_property
    def corners(self) -> Floats:
        """The left-corner closure R, (N, N)."""
        left = np.zeros((len(self.emission),) * 2)
        np.add.at(left, (self.rules[:, 0], self.rules[:, 1]), self.probabilities)
        return np.asarray(np.linalg.inv(np.eye(len(left)) - left), dtype=np.float64)

    @cached_property
    def _by_left(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The nonterminals A that have rules, and the first rule of each."""
        return np.unique(self.rules[:, 0], return_index=True)

    def start(self, batch_size: int) -> tuple[Chart, ...]:
        """Return the state at the beginning of a document."""
        return (self._empty(1, 0),) * batch_size

    def advance(self, state: tuple[Chart, ...], codes: Codes) -> tuple[Chart, ...]:
        """Return the state after row b has read codes[b]."""
        return tuple(self._advance(chart, int(code)) for chart, code in zip(state, codes, strict=True))

    def next_log_probs(self, state: tuple[Chart, ...]) -> Floats:
        """Return log p(next code), (B, M + 1)."""
        rows = []
        for chart in state:
            end = chart.inside[:, 0, -1, 0] if chart.inside.size else np.zeros(1)
            rows.append(np.hstack([chart.forward[:, -1] @ self.emission, end[:, None]]))
        probabilities = np.vstack(rows)
        return log(probabilities / probabilities.sum(axis=1, keepdims=True))  # the sum is one, except for rounding

    def select(self, state: tuple[Chart, ...], rows: Codes) -> tuple[Chart, ...]:
        """Return the state whose row i is row rows[i] of `state`."""
        return tuple(state[int(row)] for row in rows)

    def log_probs(self, documents: Sequence[Codes]) -> list[Floats]:
        """Score documents. Those of one length are parsed together.

        Args:
            documents: Arrays of codes. Only the last code of a document may be the end, and none may be -1.

        Returns:
            For each document, the log-probability of every code.
        """
        results = [np.empty(0)] * len(documents)
        by_length = sorted(range(len(documents)), key=lambda index: len(documents[index]))
        for length, group in groupby(by_length, key=lambda index: len(documents[index])):
            indices = list(group)
            batch = max(1, CHART_ELEMENTS // ((length + 1) ** 2 * len(self.emission)))
            for start in range(0, len(indices), batch):
                some = indices[start : start + batch]
                codes = np.array([documents[index] for index in some]).reshape(len(some), length)
                for index, row in zip(some, self._parse(codes), strict=True):
                    results[index] = row
        return results

    def _parse(self, codes: Codes) -> Floats:
        """Return the log-probabilities (B, T) of the codes (B, T) of documents."""
        chart, corners = self._empty(*codes.shape), self.corners
        scores = np.empty(codes.shape)
        for position in range(codes.shape[1]):
            column = codes[:, position]
            ending = column == self.symbols  # only at the last position, after which the chart is not used
            word = self.emission.T[np.where(ending, 0, column)]  # (B, N)
            probability = np.where(ending, self._end(chart, position), _dot(chart.forward[:, position], word))
            scores[:, position] = log(probability)
            if position + 1 < codes.shape[1]:
                scaled = word / np.where(probability > 0, probability, 1.0)[:, None]
                self._extend(chart, position, scaled, corners)
        return scores

    def _advance(self, chart: Chart, code: int) -> Chart:
        words = chart.inside.shape[1]
        if not 0 <= code < self.symbols:
            return chart
        probability = float(chart.forward[0, -1] @ self.emission[:, code])
        if probability <= 0:
            return chart
        longer = self._empty(1, words + 1)
        longer.inside[:, :words, : words + 1] = chart.inside
        longer.forward[:, : words + 1] = chart.forward
        self._extend(longer, words, self.emission.T[code][None] / probability, self.corners)
        return longer

    def _extend(self, chart: Chart, k: int, word: Floats, corners: Floats) -> None:
        """Add word k to a chart, in place.

        Args:
            chart: The chart, with space for word k.
            k: The position of the word.
            word: The scaled emissions (B, N) of the word.
            corners: The left-corner closure R.
        """
        inside, forward = chart.inside, chart.forward
        _, first, second = self.rules.T
        parents, starts = self._by_left
        inside[:, k, k + 1] = word
        for i in range(k - 1, -1, -1):
            left, right = inside[:, i][:, i + 1 : k + 1, first], inside[:, i + 1 : k + 1, k + 1, second]  # (B, K, R)
            spans = (left * right).sum(axis=1) * self.probabilities
            inside[:, i, k + 1, parents] = np.add.reduceat(spans, starts, axis=1)
        # A rule A -> B C whose B ends here, summed over all beginnings i, gives the C that follows.
        begun = (forward[:, : k + 1, self.rules[:, 0]] * inside[:, : k + 1, k + 1, first]).sum(axis=1)
        following = np.zeros_like(word)
        np.add.at(following.T, second, (begun * self.probabilities).T)
        forward[:, k + 1] = following @ corners

    def _end(self, chart: Chart, words: int) -> Floats:
        return chart.inside[:, 0, words, 0] if words else np.zeros(len(chart.inside))

    def _empty(self, batch: int, words: int) -> Chart:
        size = len(self.emission)
        chart = Chart(np.zeros((batch, words, words + 1, size)), np.zeros((batch, words + 1, size)))
        chart.forward[:, 0] = self.corners[0]
        return chart


def _dot(a: Floats, b: Floats) -> Floats:
    return (a * b).sum(axis=1)
