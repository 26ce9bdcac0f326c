"""Probabilistic context-free grammars that are written by hand: `grammar.yaml` explains the notation.

A feature stands for several rules, which agree in its value. `to_chomsky_normal_form` gives the form in which
`unroll.corpora.pcfg` samples and `unroll.models.oracle` predicts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from unroll.corpora.sampled import Floats, Symbols

ROOT = "S"
Productions = dict[str, dict[tuple[str, ...], float]]
"""The probability of each right side of each nonterminal."""


class Value(str):
    """A value of a feature. Its properties are attributes, which are values of features or other strings."""

    def __new__(cls, name: str, properties: Mapping[str, str]) -> "Value":
        """Make the value `name`."""
        value = super().__new__(cls, name)
        value.__dict__.update(properties)
        return value


def read_features(features: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[str, list[Value]]:
    """Return the values of each feature. A property with the name of a feature is a value of that feature."""
    values: dict[str, list[Value]] = {}
    for feature, entries in features.items():
        by_name = {name: Value(name, properties) for name, properties in entries.items()}
        for value in by_name.values():
            for key, name in vars(value).items():
                if key in values:
                    setattr(value, key, next(one for one in values[key] if one == name))
                elif name in by_name:
                    setattr(value, key, by_name[name])
        values[feature] = [*by_name.values()]
    return values


def expand(text: str, features: Mapping[str, list[Value]]) -> Iterator[str]:
    """Yield a text for each combination of the values of the features that it names in braces."""
    names = [name for name in features if re.search(rf"\{{{name}\b", text)]
    for values in product(*(features[name] for name in names)):
        yield text.format(**dict(zip(names, values, strict=True)))


def read_rules(rules: Mapping[str, Any], features: Mapping[str, list[Value]]) -> Productions:
    """Expand the features of rules, and divide the weights of each nonterminal by their sum.

    Args:
        rules: The right sides of each left side: a mapping to weights, or a list with equal weights.
        features: The values of each feature.

    Returns:
        The productions.

    Raises:
        ValueError: A nonterminal has no rule.
    """
    weights: dict[str, dict[tuple[str, ...], float]] = {}
    for left, alternatives in rules.items():
        weighted = alternatives if isinstance(alternatives, Mapping) else dict.fromkeys(alternatives, 1.0)
        for right, weight in weighted.items():
            own = [name for name in features if re.search(rf"\{{{name}\b", left)]
            free = [name for name in features if name not in own and re.search(rf"\{{{name}\b", right)]
            choices = [features[name] for name in (*own, *free)]
            share = weight / float(np.prod([len(features[name]) for name in free], dtype=np.int64))
            for values in product(*choices):
                named = dict(zip((*own, *free), values, strict=True))
                side = weights.setdefault(left.format(**named), {})
                symbols = tuple(right.format(**named).split())
                side[symbols] = side.get(symbols, 0.0) + share
    for left, alternatives in weights.items():
        for symbol in {symbol for right in alternatives for symbol in right if is_nonterminal(symbol)} - {*weights}:
            raise ValueError(f"the nonterminal {symbol}, which {left} needs, has no rule")
    return {
        left: {right: weight / sum(alternatives.values()) for right, weight in alternatives.items()}
        for left, alternatives in weights.items()
    }


def is_nonterminal(symbol: str) -> bool:
    """Return whether a symbol is a nonterminal: it begins with a capital letter."""
    return symbol[0].isupper()


@dataclass(frozen=True)
class ChomskyGrammar:
    """A grammar in Chomsky normal form. Nonterminal 0 is the root."""

    rules: Symbols
    """The nonterminals A, B and C of the rules A -> B C, (R, 3), in ascending order."""
    probabilities: Floats
    """p(A -> B C), (R,)."""
    emission: Floats
    """p(A -> w), (N, M)."""
    words: list[str]
    """The words (M,), in alphabetical order."""


def to_chomsky_normal_form(productions: Productions) -> ChomskyGrammar:
    """Convert a grammar to one with the same sentences and probabilities.

    The end of a long right side becomes a nonterminal, which is named by the symbols that it stands for. A rule A -> B
    with one nonterminal is replaced by the rules of B.

    Args:
        productions: The productions. No nonterminal may be rewritten by itself alone.

    Returns:
        The grammar of the nonterminals that the root needs.
    """
    short: Productions = {}
    for left, alternatives in productions.items():
        for right, probability in alternatives.items():
            if len(right) > 1:
                right = (_preterminal(right[0], short), _end(right[1:], short))
            side = short.setdefault(left, {})
            side[right] = side.get(right, 0.0) + probability
    solved: Productions = {}
    numbers, queue = {ROOT: 0}, [ROOT]
    for left in queue:
        for right in _without_unit_rules(left, short, solved):
            for symbol in right if len(right) == 2 else ():
                if symbol not in numbers:
                    numbers[symbol] = len(numbers)
                    queue.append(symbol)
    words = sorted({right[0] for left in queue for right in solved[left] if len(right) == 1})
    emission = np.zeros((len(numbers), len(words)))
    found = {}
    for left in queue:
        for right, probability in solved[left].items():
            if len(right) == 1:
                emission[numbers[left], words.index(right[0])] = probability
            else:
                found[numbers[left], numbers[right[0]], numbers[right[1]]] = probability
    rules = sorted(found)
    return ChomskyGrammar(np.array(rules), np.array([found[rule] for rule in rules]), emission, words)


def _preterminal(symbol: str, short: Productions) -> str:
    """Return a nonterminal for a symbol: itself, or a new one for a word."""
    if is_nonterminal(symbol):
        return symbol
    short[name := f"Word {symbol}"] = {(symbol,): 1.0}
    return name


def _end(symbols: tuple[str, ...], short: Productions) -> str:
    """Return a nonterminal that is rewritten by the given symbols."""
    if len(symbols) == 1:
        return _preterminal(symbols[0], short)
    if (name := f"End {' '.join(symbols)}") not in short:
        short[name] = {(_preterminal(symbols[0], short), _end(symbols[1:], short)): 1.0}
    return name


def _without_unit_rules(left: str, short: Productions, solved: Productions) -> dict[tuple[str, ...], float]:
    """Return the right sides of a nonterminal that are a word or two nonterminals, and add them to `solved`."""
    if left not in solved:
        sides: dict[tuple[str, ...], float] = {}
        for right, probability in short[left].items():
            if len(right) == 1 and is_nonterminal(right[0]):
                for below, part in _without_unit_rules(right[0], short, solved).items():
                    sides[below] = sides.get(below, 0.0) + probability * part
            else:
                sides[right] = sides.get(right, 0.0) + probability
        solved[left] = sides
    return solved[left]
