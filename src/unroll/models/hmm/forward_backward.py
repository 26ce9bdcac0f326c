"""Scaled forward-backward (Rabiner 1989, section V.A; Devijver 1985) over a whole stream of documents at once.

The stream is cut into R rows of L tokens, whatever its documents: time runs down the columns, so one step is one
product (R, S) x (S, S), and a document border is a reset inside a row. Only the message that enters each row is
unknown. It is guessed, then repaired: rows are swept again from the message that their neighbour really sends, until
old and new messages agree to a relative 1e-12 in every state. Sums of non-negative terms keep relative bounds, so from
there on they agree for ever: likelihood and counts are those of the uncut stream. Hidden Markov chains forget, so a
repair takes a few dozen steps; one that never forgets would cost a sweep per row and still be right.

Long streams are swept block by block of rows (messages carried over, forward again before backward), which bounds
memory by three arrays of BLOCK elements, whatever the stream.

Everything is float64 torch, on the device of the chain. Shapes: L steps, R rows, S states, V tokens.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unroll.text.streams import Ids

WIDTH = 2**15  # elements of one step (R x S): enough to hide the cost of a call, few enough for a core's cache
BLOCK = 2**22  # elements of one block (L x R x S)
SHORTEST = 64  # steps of a row at least, or most of the time goes into repairs
CHECK = 8  # steps of a repair between two looks at whether it is done
SAME = 1e-12
NEVER, POSSIBLE = 1e-250, 1e-240  # stands for a probability of zero; the least that is told from it


@dataclass(frozen=True)
class Chain:
    """The parameters, ready for sweeping."""

    initial: Tensor  # (S,)
    transition: Tensor  # (S, S): row i is p(z' | z = i)
    emission: Tensor  # (V + 1, S): row x is p(x | z); the last, all ones, is padding: it says nothing

    @classmethod
    def of(cls, initial: NDArray, transition: NDArray, emission: NDArray, device: torch.device) -> "Chain":
        """From p(z_1) (S,), p(z' | z) (S, S) and p(x | z) (S, V)."""
        # A token of probability zero is no evidence for any state, rather than 0 / 0.
        by_token = np.vstack([emission.T, np.ones(len(initial))])
        parts = (initial, transition, np.maximum(by_token, NEVER))
        return cls(*(torch.tensor(part, dtype=torch.float64, device=device) for part in parts))


@dataclass(frozen=True)
class Counts:
    """Expected counts under the posterior of the hidden states, and the likelihood they come from."""

    initial: NDArray  # (S,): documents that begin in each state
    transition: NDArray  # (S, S)
    emission: NDArray  # (S, V)
    log_likelihood: float  # nats, whole stream


@dataclass(frozen=True)
class _Block:
    tokens: Tensor  # (L, R)
    first: Tensor  # (L, R): does a document begin here?
    begins: Tensor  # (K,): flat indices of the true ones among `first`, without padding


class Trellis:
    """The stream `tokens` (N,), documents beginning at `starts`, laid out for chains of `states` states."""

    def __init__(self, tokens: Ids, starts: Ids, states: int, vocabulary_size: int, device: torch.device) -> None:
        self.size, self.states = len(tokens), states
        in_block = min(self.size, max(SHORTEST, BLOCK // states))
        self.steps = min(self.size, max(SHORTEST, -(-in_block // max(1, WIDTH // states))))
        rows, most = -(-self.size // self.steps), -(-in_block // self.steps)
        padded = np.full(rows * self.steps, vocabulary_size, dtype=np.int64)  # padding = the chain's row of ones
        padded[: self.size] = tokens
        first = np.zeros(rows * self.steps, dtype=bool)
        first[starts], first[self.size :] = True, True
        self.blocks = []
        for low in range(0, rows, most):
            at = slice(low * self.steps, min(low + most, rows) * self.steps)
            x, begins = (np.ascontiguousarray(a[at].reshape(-1, self.steps).T) for a in (padded, first))
            real = np.flatnonzero(begins & (x < vocabulary_size))
            self.blocks.append(_Block(*(torch.from_numpy(a).to(device) for a in (x, begins, real))))
        # Allocated once: fresh pages for every EM iteration would cost as much as the arithmetic.
        self._buffers = [torch.empty(self.steps * min(most, rows) * states, dtype=torch.float64, device=device)]

    def scales(self, chain: Chain) -> NDArray[np.float64]:
        """p(x_t | x_1..x_t-1) of every token of the stream, shape (N,). After a token of probability zero the belief
        stays what was predicted: the token is no evidence."""
        with _one_thread():
            parts = [scale.T.reshape(-1) for _, scale in self._forward_blocks(chain)]
        scales = torch.cat(parts)[: self.size].cpu().numpy()
        return np.where(scales < POSSIBLE, 0, scales)

    def expected_counts(self, chain: Chain) -> Counts:
        """The E-step of Baum and Welch, exact for the whole stream."""
        with _one_thread():
            return self._expected_counts(chain)

    def _expected_counts(self, chain: Chain) -> Counts:
        log_likelihood, entries = 0.0, [chain.initial]
        for alpha, scale in self._forward_blocks(chain):
            log_likelihood += float(torch.where(scale < POSSIBLE, 0, scale).log().sum())
            entries.append(alpha[-1, -1].clone())
        parts = (chain.initial, chain.transition, chain.emission)
        initial, transition, emission = (torch.zeros_like(part) for part in parts)
        message = torch.ones_like(chain.initial)
        for i, block in reversed(list(enumerate(self.blocks))):
            if i < len(self.blocks) - 1:  # the last block's forward messages are still there
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

    def _forward_blocks(self, chain: Chain) -> Iterator[tuple[Tensor, Tensor]]:
        entry = chain.initial
        for block in self.blocks:
            alpha, scale = self._forward(chain, block, entry)
            yield alpha, scale
            entry = alpha[-1, -1].clone()

    def _forward(self, chain: Chain, block: _Block, entry: Tensor) -> tuple[Tensor, Tensor]:
        """Beliefs p(z_t | x_1..t) (L, R, S) and scales p(x_t | x_1..t-1) (L, R); `entry` is the belief before."""
        alpha, scale = self._buffer(0, block), torch.empty(block.tokens.shape, dtype=torch.float64, device=entry.device)

        def step(t: int, rows: Tensor | slice, belief: Tensor, out: Tensor) -> Tensor:
            predicted = belief @ chain.transition
            predicted[block.first[t, rows]] = chain.initial
            torch.index_select(chain.emission, 0, block.tokens[t, rows], out=out).mul_(predicted)
            scale[t, rows] = total = out.sum(1)
            return out.div_(total[:, None])

        def shift(leaving: Tensor) -> Tensor:
            return torch.cat([entry[None], leaving[:-1]])

        guess = shift(chain.initial.expand(block.tokens.shape[1], -1))
        _relax(step, range(self.steps), alpha, guess, shift)
        return alpha, scale

    def _backward(
        self, chain: Chain, block: _Block, alpha: Tensor, scale: Tensor, entry: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Posteriors gamma_t = p(z_t | x), rho_t = p(x_t | z_t) beta_t / scale_t but nought where a document begins
        (both (L, R, S)), and the message beta to the block before; `entry` is the one from the block after."""
        gamma, rho = self._buffer(1, block), self._buffer(2, block)

        def step(t: int, rows: Tensor | slice, beta: Tensor, out: Tensor) -> Tensor:
            # A state without belief may disagree on beta when a repair ends: nothing that is counted depends on it.
            torch.mul(alpha[t, rows], beta, out=out)
            weight = chain.emission.index_select(0, block.tokens[t, rows]).mul_(beta).div_(scale[t, rows, None])
            first = torch.nonzero(block.first[t, rows])[:, 0]
            rho[t, rows] = weight.index_fill_(0, first, 0)
            return (weight @ chain.transition.T).index_fill_(0, first, 1)

        def shift(leaving: Tensor) -> Tensor:
            return torch.cat([leaving[1:], entry[None]])

        guess = shift(torch.ones_like(alpha[0]))
        leaving = _relax(step, range(self.steps - 1, -1, -1), gamma, guess, shift)
        return gamma, rho, leaving[0]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Steps are short. Sharing them gains little on a quiet machine, and on a busy one threads that wait for each other
    at every step made it ten times slower (2 cores, 32 and 256 states)."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


Step = Callable[[int, Tensor | slice, Tensor, Tensor], Tensor]


def _relax(step: Step, times: range, kept: Tensor, entering: Tensor, shift: Callable[[Tensor], Tensor]) -> Tensor:
    """Sweep all rows from the messages `entering` (R, S), then again those to which `shift`, given the messages that
    leave the rows, brings another one. `step` writes the value of time t to its last argument, a row of `kept`, and
    returns the next message. Returns the messages that leave the rows."""
    everything, message = slice(None), entering
    for t in times:
        message = step(t, everything, message, kept[t])
    leaving = message.clone()
    while (differ := _differ(arrived := shift(leaving), entering)).any():
        entering = message = arrived
        rows: Tensor | slice = everything
        picked = torch.arange(len(arrived), device=arrived.device)
        for done, t in enumerate(times):
            if done % CHECK == 0:
                if not differ.any():
                    break
                if 2 * differ.sum() < len(differ):  # picking rows costs as much as a step
                    rows = picked = picked[differ]
                    message = message[differ]
            value = torch.empty_like(message)
            message = step(t, rows, message, value)
            if done % CHECK == CHECK - 1:
                differ = _differ(value, kept[t, rows])
            kept[t, rows] = value
        else:
            leaving[rows] = message
    return leaving


def _differ(new: Tensor, old: Tensor) -> Tensor:
    """Which rows differ, relatively, in any state."""
    return ((new - old).abs() > SAME * old.abs() + POSSIBLE).any(1)
