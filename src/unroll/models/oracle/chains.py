"""The true predictions of a Markov chain and of a hidden Markov model (the family `source`).

Symbols are numbers below M; M itself is the end of the document. A process never sees vocabulary ids. A symbol that
cannot come (or is none, -1) has log-probability -inf and leaves the state as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.integer]
Floats = NDArray[np.float64]

_ROWS = 1 << 22
"""Floats that a batch of states may hold."""


def log(probabilities: Floats) -> Floats:
    """Natural logarithm with log 0 = -inf."""
    with np.errstate(divide="ignore"):
        return np.log(probabilities)


def with_end(log_probs: Floats, end: float, first: NDArray[np.bool_]) -> Floats:
    """(B, M) -> (B, M + 1): a document ends with probability `end` after each symbol, never before the first."""
    going = np.where(first, 0.0, np.log1p(-end))[:, None]
    return np.hstack([log_probs + going, np.where(first, -np.inf, np.log(end))[:, None]])


@dataclass(frozen=True)
class Markov:
    """p(next | last k symbols); a state is the number of the context, (B,)."""

    transition: Floats
    """((M + 1)^k, M); a context is a number of base M + 1 whose digit M stands for "before the document"."""
    order: int
    end: float

    @property
    def symbols(self) -> int:
        return self.transition.shape[1]

    def start(self, batch_size: int) -> Codes:
        return np.full(batch_size, len(self.transition) - 1)

    def advance(self, state: Codes, codes: Codes) -> Codes:
        moved = (state * (self.symbols + 1) + codes) % len(self.transition)
        return np.where((codes >= 0) & (codes < self.symbols), moved, state)

    def next_log_probs(self, state: Codes) -> Floats:
        return with_end(log(self.transition[state]), self.end, state == len(self.transition) - 1)

    def select(self, state: Codes, rows: Codes) -> Codes:
        return state[rows]

    def k_step_log_probs(self, state: Codes, steps: int) -> Floats:
        """As the process does whose states are the contexts."""
        hidden = self.hidden()
        return hidden.k_step_log_probs(HmmState(hidden.transition[state], state == len(self.transition) - 1), steps)

    def log_probs(self, documents: Sequence[Codes]) -> list[Floats]:
        """One look-up for all tokens at once. Only a document's last code may be the end, none may be -1."""
        if not documents:
            return []
        codes = np.concatenate(documents).astype(np.int64)
        sizes = np.array([len(document) for document in documents])
        ends = np.cumsum(sizes)
        position = np.arange(len(codes)) - np.repeat(ends - sizes, sizes)
        context = np.zeros(len(codes), dtype=np.int64)
        for back in range(1, self.order + 1):
            before = np.where(position >= back, np.roll(codes, back), self.symbols)
            context += before * (self.symbols + 1) ** (back - 1)
        ending = codes == self.symbols
        symbol = log(self.transition[context, np.where(ending, 0, codes)]) + np.where(
            position, np.log1p(-self.end), 0.0
        )
        end = np.where(position, np.log(self.end), -np.inf)
        return np.split(np.where(ending, end, symbol), ends[:-1])

    def hidden(self) -> "Hmm":
        """The same process as a hidden Markov model whose states are contexts: for symbols that look alike."""
        contexts = np.arange(len(self.transition))
        after = (contexts[:, None] * (self.symbols + 1) + np.arange(self.symbols)) % len(contexts)  # (C, M)
        move = np.zeros((len(contexts), len(contexts)))
        np.put_along_axis(move, after, self.transition, axis=1)
        emission = np.zeros((len(contexts), self.symbols))
        last = contexts % (self.symbols + 1)
        emission[last < self.symbols, last[last < self.symbols]] = 1.0
        return Hmm(move[-1], move, emission, self.end)


@dataclass(frozen=True)
class HmmState:
    predicted: Floats
    """(B, S): distribution of the hidden state that emits the next symbol."""
    first: NDArray[np.bool_]
    """(B,): nothing has been read."""


@dataclass(frozen=True)
class Hmm:
    """The forward algorithm as predict and correct (notes of Qin, section on Bayesian filtering)."""

    initial: Floats  # (S,)
    transition: Floats  # (S, S)
    emission: Floats  # (S, M)
    end: float

    @property
    def symbols(self) -> int:
        return self.emission.shape[1]

    def start(self, batch_size: int) -> HmmState:
        return HmmState(np.tile(self.initial, (batch_size, 1)), np.ones(batch_size, dtype=bool))

    def advance(self, state: HmmState, codes: Codes) -> HmmState:
        return self._read(state, codes)[0]

    def next_log_probs(self, state: HmmState) -> Floats:
        return with_end(log(state.predicted @ self.emission), self.end, state.first)

    def select(self, state: HmmState, rows: Codes) -> HmmState:
        return HmmState(state.predicted[rows], state.first[rows])

    def k_step_log_probs(self, state: HmmState, steps: int) -> Floats:
        """log p(x_t+k | x_1..t) for k = 1 .. steps, (steps, B, M + 1); after the end comes the end."""
        predicted, going, found = state.predicted, np.where(state.first, 1.0, 1 - self.end), []  # going: (B,)
        for _ in range(steps):
            found.append(log(np.hstack([predicted @ self.emission * going[:, None], 1 - going[:, None]])))
            predicted, going = predicted @ self.transition, going * (1 - self.end)
        return np.stack(found)

    def log_probs(self, documents: Sequence[Codes]) -> list[Floats]:
        """Many documents side by side, position by position; under the conditions of Markov.log_probs."""
        results = [np.empty(len(document)) for document in documents]
        longest_first = sorted(range(len(documents)), key=lambda index: -len(documents[index]))
        batch = max(1, _ROWS // len(self.initial))
        for start in range(0, len(documents), batch):
            indices = longest_first[start : start + batch]
            sizes = np.array([len(documents[index]) for index in indices])
            codes = np.full((len(indices), sizes[0]), -1)
            for row, index in enumerate(indices):
                codes[row, : sizes[row]] = documents[index]
            scores, state = np.empty(codes.shape), self.start(len(indices))
            for position in range(sizes[0]):
                count = int((sizes > position).sum())  # those still going come first
                state = HmmState(state.predicted[:count], state.first[:count])
                column, first = codes[:count, position], state.first
                state, probability = self._read(state, column)
                symbol = log(probability) + np.where(first, 0.0, np.log1p(-self.end))
                end = np.where(first, -np.inf, np.log(self.end))
                scores[:count, position] = np.where(column == self.symbols, end, symbol)
            for row, index in enumerate(indices):
                results[index] = scores[row, : sizes[row]]
        return results

    def _read(self, state: HmmState, codes: Codes) -> tuple[HmmState, Floats]:
        """The state after one symbol a row, and the symbol's probability (B,) given that the document goes on."""
        known = (codes >= 0) & (codes < self.symbols)
        joint = state.predicted * self.emission.T[np.where(known, codes, 0)]  # (B, S)
        probability = np.where(known, joint.sum(axis=1), 0.0)
        possible = probability > 0
        corrected = joint / np.where(possible, probability, 1.0)[:, None]
        predicted = np.where(possible[:, None], corrected @ self.transition, state.predicted)
        return HmmState(predicted, state.first & ~possible), probability
