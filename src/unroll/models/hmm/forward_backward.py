"""Scaled forward-backward (Rabiner 1989, section V.A; Devijver 1985) over a whole stream of documents at once.

The stream is cut into R rows of L tokens, independently of its documents. The rows are processed side by side, so one
time step is one product (R, S) x (S, S), and at a document border the state is reset inside a row. Only the message
that enters each row is unknown. It is guessed and then repaired: rows are swept again from the message that leaves
their neighbour, until the old and the new messages agree to a relative 1e-12 in every state. Sums of non-negative terms
keep relative bounds, so all later messages agree as well: likelihood and counts are those of the uncut stream. A repair
is usually short, since hidden Markov chains forget their initial state. A chain that does not forget needs a sweep per
row, and the result is still exact.

Long streams are processed in blocks of rows. Messages are carried from block to block, and the backward pass recomputes
the forward pass of its block. So memory is bounded by three arrays of BLOCK elements for a stream of any length.

All arrays are float64 tensors on one device. Shapes: L steps, R rows, S states, V tokens.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unroll.arithmetic.threads import one_thread
from unroll.models.hmm.sweep import MIN_POSITIVE, sweep
from unroll.text.streams import Ids
from unroll.training.device import deterministic

Array = NDArray[np.float64]

WIDTH = 2**15
"""The number of elements (R x S) of a step: large enough to hide the cost of a call, and small enough for the cache."""
BLOCK = 2**22
"""The number of elements (L x R x S) of a block."""
MIN_STEPS = 64
"""The minimum number of steps of a row. With shorter rows, repairs would take most of the time."""
ZERO = 1e-250
"""A positive number in the place of a probability of zero, so that no quotient is 0 / 0."""
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Probabilities:
    """The probabilities of a hidden Markov model."""

    initial: Array
    """The initial distribution p(z_1), (S,)."""
    transition: Array
    """The transition matrix p(z' | z), (S, S), with a row for each z."""
    emission: Array
    """The emission matrix p(x | z), (S, V), with a row for each z."""


@dataclass(frozen=True)
class _Chain:
    """The probabilities of a hidden Markov model as tensors, laid out for sweeps."""

    initial: Tensor
    """The initial distribution p(z_1), (S,)."""
    transition: Tensor
    """The transition matrix p(z' | z), (S, S)."""
    emission: Tensor
    """The emission matrix by token, (V + 1, S): row x is p(x | z). The last row is for padding and is all ones, so that
    padding does not change the distribution of the states."""

    @classmethod
    def from_probabilities(cls, model: Probabilities, device: torch.device) -> "_Chain":
        """Convert probabilities. A token that no state emits gets the same small probability ZERO in all states."""
        by_token = np.vstack([model.emission.T, np.ones(len(model.initial))])
        parts = (model.initial, model.transition, np.maximum(by_token, ZERO))
        return cls(*(torch.tensor(part, dtype=torch.float64, device=device) for part in parts))


@dataclass(frozen=True)
class Counts:
    """Expected counts under the posterior of the hidden states, and the likelihood."""

    initial: Array
    """The number of documents that begin in each state, (S,)."""
    transition: Array
    """The number of transitions between states, (S, S)."""
    emission: Array
    """The number of times that each state emits each token, (S, V)."""
    log_likelihood: float
    """The log-likelihood of the whole stream, in nats."""


@dataclass(frozen=True)
class _Block:
    """Some rows of the stream."""

    tokens: Tensor  # (L, R)
    first: Tensor  # (L, R): whether a document begins here
    begins: Tensor  # (K,): the flat indices of the true elements of `first`, without padding


class Trellis:
    """A stream of documents, laid out in rows for chains with a given number of states."""

    def __init__(self, tokens: Ids, starts: Ids, states: int, vocabulary_size: int, device: torch.device = CPU) -> None:
        """Lay out a stream.

        Args:
            tokens: All documents end to end, (N,).
            starts: The positions where the documents begin.
            states: The number of states S.
            vocabulary_size: The size of the vocabulary V.
            device: The device of the sweeps.
        """
        self.size, self.states, self.device = len(tokens), states, device
        in_block = min(self.size, max(MIN_STEPS, BLOCK // states))
        self.steps = min(self.size, max(MIN_STEPS, -(-in_block // max(1, WIDTH // states))))
        rows, most = -(-self.size // self.steps), -(-in_block // self.steps)
        padded = np.full(rows * self.steps, vocabulary_size, dtype=np.int64)  # padding is the last row of `emission`
        padded[: self.size] = tokens
        first = np.zeros(rows * self.steps, dtype=bool)
        first[starts], first[self.size :] = True, True
        self.blocks = []
        for low in range(0, rows, most):
            at = slice(low * self.steps, min(low + most, rows) * self.steps)
            x, begins = (np.ascontiguousarray(a[at].reshape(-1, self.steps).T) for a in (padded, first))
            real = np.flatnonzero(begins & (x < vocabulary_size))
            self.blocks.append(_Block(*(torch.from_numpy(a).to(device) for a in (x, begins, real))))
        # Allocated once, since new memory in every EM iteration costs as much as the arithmetic.
        self._buffers = [torch.empty(self.steps * min(most, rows) * states, dtype=torch.float64, device=device)]

    def scales(self, model: Probabilities) -> NDArray[np.float64]:
        """Compute p(x_t | x_1..x_t-1) of every token of the stream.

        Args:
            model: The probabilities of the model.

        Returns:
            The probabilities (N,). If a token has probability zero, the filtering distribution stays at its prediction.
        """
        # The steps are too short to be shared.
        with one_thread(), deterministic(self.device):
            chain = _Chain.from_probabilities(model, self.device)
            parts = [scale.T.reshape(-1) for _, scale in self._forward_blocks(chain)]
        scales = torch.cat(parts)[: self.size].cpu().numpy()
        return np.where(scales < MIN_POSITIVE, 0, scales)

    def expected_counts(self, model: Probabilities) -> Counts:
        """Compute the E-step of the Baum-Welch algorithm, exactly for the whole stream."""
        with one_thread(), deterministic(self.device):
            return self._expected_counts(_Chain.from_probabilities(model, self.device))

    def _expected_counts(self, chain: _Chain) -> Counts:
        log_likelihood, entries = 0.0, [chain.initial]
        for alpha, scale in self._forward_blocks(chain):
            log_likelihood += float(torch.where(scale < MIN_POSITIVE, 0, scale).log().sum())
            entries.append(alpha[-1, -1].clone())
        parts = (chain.initial, chain.transition, chain.emission)
        initial, transition, emission = (torch.zeros_like(part) for part in parts)
        message = torch.ones_like(chain.initial)
        for i, block in reversed(list(enumerate(self.blocks))):
            if i < len(self.blocks) - 1:  # the buffers still hold the last block
                alpha, scale = self._forward(chain, block, entries[i])
            gamma, rho, message = self._backward(chain, block, alpha, scale, message)
            initial += gamma.view(-1, self.states)[block.begins].sum(0)
            emission.index_add_(0, block.tokens.reshape(-1), gamma.view(-1, self.states))
            transition += torch.cat([entries[i][None], alpha[-1, :-1]]).T @ rho[0]
            transition += alpha[:-1].reshape(-1, self.states).T @ rho[1:].reshape(-1, self.states)
        transition *= chain.transition
        return Counts(initial.cpu().numpy(), transition.cpu().numpy(), emission[:-1].T.cpu().numpy(), log_likelihood)

    def _buffer(self, i: int, block: _Block) -> Tensor:
        while len(self._buffers) <= i:
            self._buffers.append(torch.empty_like(self._buffers[0]))
        return self._buffers[i][: block.tokens.numel() * self.states].view(*block.tokens.shape, self.states)

    def _forward_blocks(self, chain: _Chain) -> Iterator[tuple[Tensor, Tensor]]:
        entry = chain.initial
        for block in self.blocks:
            alpha, scale = self._forward(chain, block, entry)
            yield alpha, scale
            entry = alpha[-1, -1].clone()

    def _forward(self, chain: _Chain, block: _Block, entry: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the forward pass of a block.

        Args:
            chain: The probabilities of the model.
            block: The rows.
            entry: The filtering distribution (S,) before the block.

        Returns:
            The filtering distributions p(z_t | x_1..x_t), (L, R, S), and the scales p(x_t | x_1..x_t-1), (L, R).
        """
        alpha, scale = self._buffer(0, block), torch.empty(block.tokens.shape, dtype=torch.float64, device=entry.device)

        def step(t: int, rows: Tensor | slice, distribution: Tensor, out: Tensor) -> Tensor:
            predicted = distribution @ chain.transition
            predicted[block.first[t, rows]] = chain.initial
            torch.index_select(chain.emission, 0, block.tokens[t, rows], out=out).mul_(predicted)
            scale[t, rows] = total = out.sum(1)
            return out.div_(total[:, None])

        def shift(leaving: Tensor) -> Tensor:
            return torch.cat([entry[None], leaving[:-1]])

        guess = shift(chain.initial.expand(block.tokens.shape[1], -1))
        sweep(step, range(self.steps), alpha, guess, shift)
        return alpha, scale

    def _backward(
        self, chain: _Chain, block: _Block, alpha: Tensor, scale: Tensor, entry: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the backward pass of a block.

        Args:
            chain: The probabilities of the model.
            block: The rows.
            alpha: The filtering distributions (L, R, S).
            scale: The scales (L, R).
            entry: The message beta (S,) from the next block.

        Returns:
            The posteriors gamma_t = p(z_t | x), (L, R, S); rho_t = p(x_t | z_t) beta_t / scale_t, but zero where a
            document begins, (L, R, S); and the message beta (S,) to the previous block.
        """
        gamma, rho = self._buffer(1, block), self._buffer(2, block)

        def step(t: int, rows: Tensor | slice, beta: Tensor, out: Tensor) -> Tensor:
            # A repair compares gamma, so beta may still differ in a state with alpha = 0. No count depends on it there.
            torch.mul(alpha[t, rows], beta, out=out)
            weight = chain.emission.index_select(0, block.tokens[t, rows]).mul_(beta).div_(scale[t, rows, None])
            first = torch.nonzero(block.first[t, rows])[:, 0]
            rho[t, rows] = weight.index_fill_(0, first, 0)
            return (weight @ chain.transition.T).index_fill_(0, first, 1)

        def shift(leaving: Tensor) -> Tensor:
            return torch.cat([leaving[1:], entry[None]])

        guess = shift(torch.ones_like(alpha[0]))
        leaving = sweep(step, range(self.steps - 1, -1, -1), gamma, guess, shift)
        return gamma, rho, leaving[0]
