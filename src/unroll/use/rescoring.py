"""n-best lists, as a speech recogniser or a translator gives them, ordered anew by a language model.

A candidate's total is log-linear: its own score + weight log p(text) + length_penalty words. Both numbers are tuned on
lists with references, to the fewest word errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from unroll.use.model import TextModel

WEIGHTS = (0.0, *np.geomspace(0.01, 10, 25).round(4).tolist())
LENGTH_PENALTIES = tuple(np.arange(-8, 8.1, 0.5).tolist())
"""Nats per word; above zero, longer candidates win."""
BATCH = 256


@dataclass(frozen=True)
class NBest:
    """The candidates of one utterance."""

    id: str
    texts: list[str]
    scores: list[float]
    """Their own; higher is better, as logarithms of probabilities are."""
    reference: str | None = None


@dataclass(frozen=True)
class Interpolation:
    weight: float
    length_penalty: float


@dataclass(frozen=True)
class WordErrors:
    """Word error rates: errors per word of the references."""

    words: int
    before: float
    """Of the candidates with the best scores of their own."""
    after: float
    oracle: float
    """Of the best candidates there are."""


def likelihoods(model: TextModel, lists: Sequence[NBest]) -> list[NDArray[np.float64]]:
    """log p of every candidate, per list; words that the vocabulary lacks are charged their spelling."""
    texts = [text for one in lists for text in one.texts]
    found = [line.spelt_log_likelihood for batch in _batched(texts) for line in model.score(batch, "rescore")]
    ends = np.cumsum([len(one.texts) for one in lists])[:-1]
    return np.split(np.asarray(found), ends)


def best(lists: Sequence[NBest], log_probs: Sequence[NDArray[np.float64]], by: Interpolation) -> list[int]:
    """The candidate with the largest total in each list; the first of equals."""
    return [int(np.argmax(_totals(one, log_p, [by])[0])) for one, log_p in zip(lists, log_probs, strict=True)]


def tune(lists: Sequence[NBest], log_probs: Sequence[NDArray[np.float64]]) -> Interpolation:
    """The pair on the grid WEIGHTS x LENGTH_PENALTIES with the fewest word errors; of equals that nearest to none."""
    grid = [Interpolation(weight, penalty) for weight, penalty in product(WEIGHTS, LENGTH_PENALTIES)]
    errors = np.zeros(len(grid), dtype=np.int64)
    for one, log_p in zip(lists, log_probs, strict=True):
        errors += word_errors(one)[np.argmax(_totals(one, log_p, grid), axis=1)]
    return min(zip(errors, grid, strict=True), key=lambda pair: (pair[0], abs(pair[1].length_penalty), pair[1].weight))[
        1
    ]


def report(lists: Sequence[NBest], chosen: Sequence[int]) -> WordErrors:
    """Word error rates of lists that all have a reference, at least one of them with a word."""
    errors = [word_errors(one) for one in lists]
    words = sum(len((one.reference or "").split()) for one in lists)
    before = sum(error[int(np.argmax(one.scores))] for error, one in zip(errors, lists, strict=True))
    after = sum(error[index] for error, index in zip(errors, chosen, strict=True))
    return WordErrors(words, before / words, after / words, sum(error.min() for error in errors) / words)


def word_errors(one: NBest) -> NDArray[np.int64]:
    """Substitutions, deletions and insertions of each candidate against the reference."""
    import jiwer

    reference = " ".join((one.reference or "").split())
    if not reference:
        return np.asarray([len(text.split()) for text in one.texts])
    found = [jiwer.process_words(reference, text) for text in one.texts]
    return np.asarray([each.substitutions + each.deletions + each.insertions for each in found])


def _totals(one: NBest, log_probs: NDArray[np.float64], grid: Sequence[Interpolation]) -> NDArray[np.float64]:
    """(G, candidates). An impossible candidate is the last choice wherever the model has any weight."""
    weights = np.array([[by.weight] for by in grid])
    penalties = np.array([[by.length_penalty] for by in grid])
    words = np.array([len(text.split()) for text in one.texts])
    finite = np.maximum(log_probs, -1e300)
    return np.asarray(one.scores) + weights * finite + penalties * words


def _batched(texts: Sequence[str]) -> list[list[str]]:
    return [list(texts[first : first + BATCH]) for first in range(0, len(texts), BATCH)]
