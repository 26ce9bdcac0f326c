"""Hidden Markov chains of order 1 or 2 whose states are tags: the forward-backward and the Viterbi algorithm.

The probability of the next tag depends on a history of one or two tags (o, r): o is the oldest of them, and r is the
other one, if there is one. Tag number K stands for the border of the sentence, before its begin and after its end.
Sentences of similar length are processed side by side (Rabiner 1989, section III).

Shapes: B sentences, T words, K tags, R = 1 for order 1 and R = K + 1 for order 2. A history is flat: o * R + r.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.models.base.tagged import empty_results, padded_batches
from unroll.text.streams import Ids

Array = NDArray[np.float64]
ELEMENTS = 1 << 21
"""The number of elements (B x histories x K) of a step. It bounds memory and changes no result."""
Emission = Callable[[Ids, int], Array]
"""Returns p(word | tag) up to a factor of each word, (..., K), for sentences (..., 2) and a position in them."""


@dataclass(frozen=True)
class TagChain:
    """The transition probabilities."""

    transition: Array
    """p(next tag | history), (K + 1, R, K + 1). The last column is the end; the history of the begin is (K, R - 1)."""

    @property
    def tags(self) -> int:
        """The number K of tags."""
        return len(self.transition) - 1

    @property
    def _rest(self) -> int:
        """The number R."""
        return self.transition.shape[1]

    def _rows(self) -> int:
        return max(1, ELEMENTS // self.transition.size)

    def viterbi(self, sentences: Sequence[Ids], emission: Emission) -> list[Ids]:
        """Find the most probable sequence of tags of each sentence.

        Args:
            sentences: Sentences (T, 2).
            emission: The emission probabilities.

        Returns:
            The tags (T,) of each sentence. Of equally probable tags, the one with the smallest number is chosen.
        """
        results = empty_results(sentences, dtype=np.int64)
        for rows, batch, lengths in padded_batches(sentences, self._rows()):
            for row, tags in zip(rows, self._viterbi(batch, lengths, emission), strict=True):
                results[row][:] = tags
        return results

    def _viterbi(self, batch: Ids, lengths: Ids, emission: Emission) -> list[Ids]:
        transition = _log(self.transition)  # (o, r, k)
        best, pointers = _log(self._start(len(batch))), []  # (B, o, r)
        final = np.zeros((len(batch), self.transition[..., 0].size))
        for t in range(batch.shape[1]):
            active = int((lengths > t).sum())
            scores = best[:active, :, :, None] + transition[..., :-1]  # (B, o, r, k)
            pointers.append(scores.argmax(1))  # (B, r, k)
            reached = scores.max(1) + _log(emission(batch[:active], t))[:, None]
            best = self._as_history(reached, -np.inf)
            done = lengths[:active] == t + 1
            final[:active][done] = (best + transition[..., -1])[done].reshape(-1, final.shape[1])
        return [
            self._trace(int(scores.argmax()), [pointer[row] for pointer in pointers[: lengths[row]]])
            for row, scores in enumerate(final)
        ]

    def _trace(self, history: int, pointers: Sequence[Ids]) -> Ids:
        """Follow the pointers (r, k) of a sentence back from its last history."""
        tags = np.empty(len(pointers), dtype=np.int64)
        for t in range(len(pointers) - 1, -1, -1):
            rest, tags[t] = divmod(history, self.tags + 1)
            history = int(pointers[t][rest, tags[t]]) * self._rest + rest
        return tags

    def log_posteriors(self, sentences: Sequence[Ids], emission: Emission) -> list[Array]:
        """Compute log p(tag | sentence) of each word.

        If the chain cannot produce a word after those before it, or before those after it, the impossible side is
        ignored.

        Args:
            sentences: Sentences (T, 2).
            emission: The emission probabilities. One tag at least has a positive one.

        Returns:
            The logarithms (T, K) of each sentence.
        """
        results = empty_results(sentences, self.tags, dtype=np.float64)
        for rows, batch, lengths in padded_batches(sentences, self._rows()):
            posteriors = self._posteriors(batch, lengths, emission)
            for row, index in enumerate(rows):
                results[index][:] = _log(posteriors[row, : lengths[row]])
        return results

    def _posteriors(self, batch: Ids, lengths: Ids, emission: Emission) -> Array:
        """Return p(tag | sentence), (B, T, K)."""
        inside = np.ascontiguousarray(self.transition.transpose(1, 0, 2)[..., :-1])  # (r, o, k)
        alpha, alphas = self._start(len(batch)), []  # (B, o, r)
        emissions = []
        for t in range(batch.shape[1]):
            active = int((lengths > t).sum())
            emissions.append(emission(batch[:active], t))
            predicted = np.matmul(alpha[:active].transpose(2, 0, 1), inside).transpose(1, 0, 2)  # (B, r, k)
            own = emissions[t][:, None]
            alpha = self._as_history(_normalize(predicted * own, np.broadcast_to(own, predicted.shape)), 0.0)
            alphas.append(alpha)
        posteriors = np.zeros((*batch.shape[:2], self.tags))
        beta = np.empty((0, *self.transition.shape[:2]))
        for t in range(batch.shape[1] - 1, -1, -1):
            active = len(alphas[t])
            ended = np.broadcast_to(self.transition[..., -1], (active - len(beta), *self.transition.shape[:2]))
            beta = np.concatenate([beta, ended])  # the longest sentences are the first rows
            both = _normalize(alphas[t] * beta, alphas[t])
            posteriors[:active, t] = self._newest(both).sum(1)
            weights = self._newest(beta) * emissions[t][:, None]  # (B, r, k)
            beta = np.matmul(weights.transpose(1, 0, 2), inside.transpose(0, 2, 1)).transpose(1, 2, 0)  # (B, o, r)
            beta = _normalize(beta, np.ones_like(beta))
        return posteriors

    def _start(self, rows: int) -> Array:
        """Return the distribution (B, o, r) of the history before the first word."""
        start = np.zeros((rows, *self.transition.shape[:2]))
        start[:, -1, -1] = 1.0
        return start

    def _as_history(self, reached: Array, absent: float) -> Array:
        """Return values (B, r, k) of the rest and the newest tag as values (B, o, r) of the next history."""
        padded = np.pad(reached, ((0, 0), (0, 0), (0, 1)), constant_values=absent)  # the border follows no tag
        return padded.reshape(len(reached), self.tags + 1, self._rest)

    def _newest(self, values: Array) -> Array:
        """Return values (B, o, r) of a history as values (B, r, k) of its rest and its newest tag."""
        return values.reshape(len(values), self._rest, self.tags + 1)[..., :-1]


def _normalize(values: Array, otherwise: Array) -> Array:
    """Divide the values (B, x, y) of each sentence by their sum; those that sum to zero are taken from `otherwise`."""
    sums = values.sum(axis=(1, 2), keepdims=True)
    values = np.where(sums > 0, values, otherwise)
    return values / values.sum(axis=(1, 2), keepdims=True)


def _log(values: Any) -> Array:
    """Return natural logarithms, with log 0 = -inf."""
    with np.errstate(divide="ignore"):
        return np.log(values)
