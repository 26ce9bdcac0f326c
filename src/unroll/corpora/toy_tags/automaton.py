"""A probabilistic regular expression as a Markov chain, one state per word class in it (Glushkov 1961)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

DIGITS = 12
"""The digits of the probability of nothing, which is the difference of numbers with fewer digits."""


@dataclass(frozen=True)
class Leaf:
    """A word of a class."""

    word_class: str
    """The class, a key of `unroll.corpora.toy_tags.lexicon.read_classes`."""
    pos: str
    """Its part of speech."""
    chunk: str = "O"
    """Its tag in BIO format."""


@dataclass(frozen=True)
class Series:
    """One part after the other."""

    parts: "tuple[Expression, ...]"


@dataclass(frozen=True)
class Choice:
    """One of several parts."""

    parts: "tuple[tuple[float, Expression], ...]"
    """The parts with their probabilities. If these sum to less than one, the rest is the probability of nothing."""


@dataclass(frozen=True)
class Repeat:
    """A part any number of times: another one follows with probability `again`."""

    again: float
    part: "Expression"


Expression = Leaf | Series | Choice | Repeat


def sequence(*parts: Expression) -> Expression:
    """Return the expression of parts that follow each other."""
    return Series(parts)


def choice(*parts: tuple[float, Expression]) -> Expression:
    """Return the expression of one of several parts with their probabilities."""
    return Choice(parts)


def chunk(kind: str, first: Leaf, *rest: Expression) -> Expression:
    """Return the expression of a phrase, whose first word has the tag B-kind and whose others have I-kind."""
    inside = tuple(_mark(part, f"I-{kind}") for part in rest)
    return Series((replace(first, chunk=f"B-{kind}"), *inside))


def _mark(part: Expression, tag: str) -> Expression:
    match part:
        case Leaf():
            return replace(part, chunk=tag)
        case Series():
            return Series(tuple(_mark(inner, tag) for inner in part.parts))
        case Choice():
            return Choice(tuple((p, _mark(inner, tag)) for p, inner in part.parts))
        case Repeat():
            return Repeat(part.again, _mark(part.part, tag))


@dataclass(frozen=True)
class _Fragment:
    """A part of the chain: where it begins, where it ends, and the probability that it is empty."""

    first: Mapping[int, float]
    last: Mapping[int, float]
    empty: float


class Automaton:
    """The Markov chain of an expression."""

    def __init__(self, leaves: Sequence[Leaf], transition: NDArray[np.float64], first: NDArray[np.float64]) -> None:
        """Set the chain.

        Args:
            leaves: The word of each state, S of them.
            transition: The probabilities (S, S + 1) of the next state; the last column is the end.
            first: The probabilities (S + 1,) of the first state; the last one is that of no word at all.
        """
        self.leaves, self.transition, self.first = leaves, transition, first

    @classmethod
    def compile(cls, expression: Expression) -> "Automaton":
        """Convert an expression to a chain."""
        compiler = _Compiler()
        whole = compiler.compile(expression)
        states = len(compiler.leaves)
        transition, first = np.zeros((states, states + 1)), np.zeros(states + 1)
        for (state, following), probability in compiler.transitions.items():
            transition[state, following] = probability
        for state, probability in whole.last.items():
            transition[state, states] = probability
        for state, probability in whole.first.items():
            first[state] = probability
        first[states] = whole.empty
        return cls(compiler.leaves, transition, first)


class _Compiler:
    """Assigns a state to each leaf. The transitions of a state, and its probability to end its part, sum to one."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.transitions: dict[tuple[int, int], float] = {}

    def compile(self, part: Expression) -> _Fragment:
        match part:
            case Leaf():
                self.leaves.append(part)
                state = len(self.leaves) - 1
                return _Fragment({state: 1.0}, {state: 1.0}, 0.0)
            case Series():
                whole = _Fragment({}, {}, 1.0)
                for inner in part.parts:
                    whole = self._join(whole, self.compile(inner))
                return whole
            case Choice():
                return self._choose([(p, self.compile(inner)) for p, inner in part.parts])
            case Repeat():
                return self._repeat(part.again, self.compile(part.part))

    def _join(self, one: _Fragment, other: _Fragment) -> _Fragment:
        self._link(one.last, other.first)
        first = dict(one.first) | {state: one.empty * p for state, p in other.first.items() if one.empty}
        last = {state: p * other.empty for state, p in one.last.items() if other.empty} | dict(other.last)
        return _Fragment(first, last, one.empty * other.empty)

    def _choose(self, parts: list[tuple[float, _Fragment]]) -> _Fragment:
        first = {state: p * q for p, part in parts for state, q in part.first.items()}
        last = {state: q for _, part in parts for state, q in part.last.items()}
        nothing = max(0.0, round(1.0 - sum(p for p, _ in parts), DIGITS))
        return _Fragment(first, last, nothing + sum(p * part.empty for p, part in parts))

    def _repeat(self, again: float, part: _Fragment) -> _Fragment:
        first = {state: again * p for state, p in part.first.items()}
        self._link(part.last, first)
        return _Fragment(first, {state: p * (1 - again) for state, p in part.last.items()}, 1 - again)

    def _link(self, last: Mapping[int, float], first: Mapping[int, float]) -> None:
        for state, p in last.items():
            for following, q in first.items():
                self.transitions[state, following] = self.transitions.get((state, following), 0.0) + p * q
