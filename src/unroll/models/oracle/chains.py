"""The true predictions of a Markov chain and of a hidden Markov model.

The input of a process are codes, not token ids: symbols are numbers below M, and M is the end of the document. A symbol
that is impossible, and -1, which is not a symbol, have log-probability -inf and do not change the state.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.integer]
Floats = NDArray[np.float64]

BATCH_ELEMENTS = 1 << 22
"""The number of elements of a batch of states. It bounds memory."""


def log(probabilities: Floats) -> Floats:
    """Return natural logarithms, with log 0 = -inf."""
    with np.errstate(divide="ignore"):
        return np.log(probabilities)


def count_free(distributions: Floats) -> int:
    """Return the number of free parameters of distributions (N, outcomes): outcomes with probability zero are none."""
    possible = distributions > 0
    return int(possible.sum()) - int(possible.any(axis=1).sum())


def append_end(log_probs: Floats, stop_probability: float, first: NDArray[np.bool_]) -> Floats:
    """Append the end of the document to the predictions of the next symbol.

    Args:
        log_probs: log p(next symbol | the document continues), (B, M).
        stop_probability: The probability that a document ends after a symbol.
        first: Whether no symbol has been read (B,). A document does not end before its first symbol.

    Returns:
        log p(next code), (B, M + 1).
    """
    going = np.where(first, 0.0, np.log1p(-stop_probability))[:, None]
    return np.hstack([log_probs + going, np.where(first, -np.inf, np.log(stop_probability))[:, None]])


@dataclass(frozen=True)
class Markov:
    """A Markov chain of order k. A state holds the number of the context of each row, (B,)."""

    transition: Floats
    """p(next symbol | last k symbols), ((M + 1)^k, M). The number of a context has k digits of base M + 1. The digit M
    stands for a position before the document."""
    order: int
    """The number of symbols k of a context."""
    stop_probability: float
    """The probability that a document ends after a symbol."""

    @property
    def symbols(self) -> int:
        """The number of symbols M."""
        return self.transition.shape[1]

    @property
    def parameters(self) -> int:
        """M - 1 for each context that can occur, which has 0 .. k symbols, and the stop probability."""
        return sum(self.symbols**length for length in range(self.order + 1)) * (self.symbols - 1) + 1

    def start(self, batch_size: int) -> Codes:
        """Return the state at the beginning of a document."""
        return np.full(batch_size, len(self.transition) - 1)

    def advance(self, state: Codes, codes: Codes) -> Codes:
        """Return the state after row b has read codes[b]."""
        moved = (state * (self.symbols + 1) + codes) % len(self.transition)
        return np.where((codes >= 0) & (codes < self.symbols), moved, state)

    def next_log_probs(self, state: Codes) -> Floats:
        """Return log p(next code), (B, M + 1)."""
        return append_end(log(self.transition[state]), self.stop_probability, state == len(self.transition) - 1)

    def select(self, state: Codes, rows: Codes) -> Codes:
        """Return the state whose row i is row rows[i] of `state`."""
        return state[rows]

    def k_step_log_probs(self, state: Codes, steps: int) -> Floats:
        """Return log p(x_{t+k} | x_1..x_t) for k = 1 .. steps, (steps, B, M + 1). The end is followed by the end."""
        hidden = self.to_hmm()
        return hidden.k_step_log_probs(HmmState(hidden.transition[state], state == len(self.transition) - 1), steps)

    def log_probs(self, documents: Sequence[Codes]) -> list[Floats]:
        """Score documents, by one look-up for all codes.

        Args:
            documents: Arrays of codes. Only the last code of a document may be the end, and none may be -1.

        Returns:
            For each document, the log-probability of every code.
        """
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
            position, np.log1p(-self.stop_probability), 0.0
        )
        end = np.where(position, np.log(self.stop_probability), -np.inf)
        return np.split(np.where(ending, end, symbol), ends[:-1])

    def to_hmm(self) -> "Hmm":
        """Return the same process as a hidden Markov model whose states are the contexts."""
        contexts = np.arange(len(self.transition))
        after = (contexts[:, None] * (self.symbols + 1) + np.arange(self.symbols)) % len(contexts)  # (C, M)
        move = np.zeros((len(contexts), len(contexts)))
        np.put_along_axis(move, after, self.transition, axis=1)
        emission = np.zeros((len(contexts), self.symbols))
        last = contexts % (self.symbols + 1)
        emission[last < self.symbols, last[last < self.symbols]] = 1.0
        return Hmm(move[-1], move, emission, self.stop_probability)


@dataclass(frozen=True)
class HmmState:
    """The state of a hidden Markov model."""

    predicted: Floats
    """The distribution of the hidden state that emits the next symbol, (B, S)."""
    first: NDArray[np.bool_]
    """Whether no symbol has been read, (B,)."""


@dataclass(frozen=True)
class Hmm:
    """A hidden Markov model. Its predictions are those of the forward algorithm (Rabiner 1989)."""

    initial: Floats
    """The initial distribution (S,)."""
    transition: Floats
    """The transition matrix (S, S)."""
    emission: Floats
    """The emission matrix (S, M)."""
    stop_probability: float
    """The probability that a document ends after a symbol."""

    @property
    def symbols(self) -> int:
        """The number of symbols M."""
        return self.emission.shape[1]

    @property
    def parameters(self) -> int:
        """(S - 1) + S (S - 1) + S (M - 1) without zeros, and 1 for the stop probability."""
        return sum(map(count_free, (self.initial[None], self.transition, self.emission))) + 1

    def start(self, batch_size: int) -> HmmState:
        """Return the state at the beginning of a document."""
        return HmmState(np.tile(self.initial, (batch_size, 1)), np.ones(batch_size, dtype=bool))

    def advance(self, state: HmmState, codes: Codes) -> HmmState:
        """Return the state after row b has read codes[b]."""
        return self._read(state, codes)[0]

    def next_log_probs(self, state: HmmState) -> Floats:
        """Return log p(next code), (B, M + 1)."""
        return append_end(log(state.predicted @ self.emission), self.stop_probability, state.first)

    def select(self, state: HmmState, rows: Codes) -> HmmState:
        """Return the state whose row i is row rows[i] of `state`."""
        return HmmState(state.predicted[rows], state.first[rows])

    def k_step_log_probs(self, state: HmmState, steps: int) -> Floats:
        """Return log p(x_{t+k} | x_1..x_t) for k = 1 .. steps, (steps, B, M + 1). The end is followed by the end."""
        predicted, running = state.predicted, np.where(state.first, 1.0, 1 - self.stop_probability)  # running: (B,)
        results = []
        for _ in range(steps):
            results.append(log(np.hstack([predicted @ self.emission * running[:, None], 1 - running[:, None]])))
            predicted, running = predicted @ self.transition, running * (1 - self.stop_probability)
        return np.stack(results)

    def log_probs(self, documents: Sequence[Codes]) -> list[Floats]:
        """Score documents side by side, position by position.

        Args:
            documents: Arrays of codes. Only the last code of a document may be the end, and none may be -1.

        Returns:
            For each document, the log-probability of every code.
        """
        results = [np.empty(len(document)) for document in documents]
        longest_first = sorted(range(len(documents)), key=lambda index: -len(documents[index]))
        batch = max(1, BATCH_ELEMENTS // len(self.initial))
        for start in range(0, len(documents), batch):
            indices = longest_first[start : start + batch]
            sizes = np.array([len(documents[index]) for index in indices])
            codes = np.full((len(indices), sizes[0]), -1)
            for row, index in enumerate(indices):
                codes[row, : sizes[row]] = documents[index]
            scores, state = np.empty(codes.shape), self.start(len(indices))
            for position in range(sizes[0]):
                count = int((sizes > position).sum())  # those still running come first
                state = HmmState(state.predicted[:count], state.first[:count])
                column, first = codes[:count, position], state.first
                state, probability = self._read(state, column)
                symbol = log(probability) + np.where(first, 0.0, np.log1p(-self.stop_probability))
                end = np.where(first, -np.inf, np.log(self.stop_probability))
                scores[:count, position] = np.where(column == self.symbols, end, symbol)
            for row, index in enumerate(indices):
                results[index] = scores[row, : sizes[row]]
        return results

    def _read(self, state: HmmState, codes: Codes) -> tuple[HmmState, Floats]:
        """Read one code per row.

        Args:
            state: The state.
            codes: The codes (B,).

        Returns:
            The next state, and the probabilities (B,) of the codes given that the documents continue.
        """
        is_symbol = (codes >= 0) & (codes < self.symbols)
        joint = state.predicted * self.emission.T[np.where(is_symbol, codes, 0)]  # (B, S)
        probability = np.where(is_symbol, joint.sum(axis=1), 0.0)
        possible = probability > 0
        corrected = joint / np.where(possible, probability, 1.0)[:, None]
        predicted = np.where(possible[:, None], corrected @ self.transition, state.predicted)
        return HmmState(predicted, state.first & ~possible), probability
