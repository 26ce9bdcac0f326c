"""Rescoring of n-best lists, as a speech recogniser or a translation system produces them.

The total of a candidate is log-linear: its own score + weight * log p(text) + length_penalty * words. Both parameters
are tuned to the fewest word errors on lists with references.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from unroll.use.model import TextModel

WEIGHTS = (0.0, *np.geomspace(0.01, 10, 25).round(4).tolist())
"""The grid of weights."""
LENGTH_PENALTIES = tuple(np.arange(-8, 8.1, 0.5).tolist())
"""The grid of penalties in nats per word; positive values favour longer candidates."""
BATCH_SIZE = 256
"""The number of candidates that are scored together."""


@dataclass(frozen=True)
class NBest:
    """The candidates of one utterance."""

    id: str
    """The name of the utterance."""
    texts: list[str]
    """The candidates."""
    scores: list[float]
    """The scores of the candidates by the system that produced them, as log-probabilities: higher is better."""
    reference: str | None = None
    """The correct text, if it is available."""


@dataclass(frozen=True)
class Interpolation:
    """The parameters of the log-linear total."""

    weight: float
    """The weight of log p(text)."""
    length_penalty: float
    """The nats that are added for each word."""


@dataclass(frozen=True)
class WordErrorRates:
    """Word errors per word of the references."""

    words: int
    """The number of words of the references."""
    before: float
    """The rate of the candidates with the best scores of their own."""
    after: float
    """The rate of the chosen candidates."""
    oracle: float
    """The rate of the candidates with the fewest errors."""


def score_candidates(model: TextModel, lists: Sequence[NBest]) -> list[NDArray[np.float64]]:
    """Compute log p of every candidate, with the spelling of unknown words.

    Args:
        model: A language model.
        lists: The lists.

    Returns:
        For each list the log-probabilities of its candidates in nats, (candidates,).

    Raises:
        UnrollError: The model is not a language model.
    """
    texts = [text for one in lists for text in one.texts]
    batches = [texts[first : first + BATCH_SIZE] for first in range(0, len(texts), BATCH_SIZE)]
    log_probs = [line.log_likelihood_with_spelling for batch in batches for line in model.score(batch, "rescore")]
    ends = np.cumsum([len(one.texts) for one in lists])[:-1]
    return np.split(np.asarray(log_probs), ends)


def choose(lists: Sequence[NBest], log_probs: Sequence[NDArray[np.float64]], interpolation: Interpolation) -> list[int]:
    """Return the index of the candidate with the largest total in each list; of equal candidates the first."""
    return [int(np.argmax(_totals(one, row, [interpolation])[0])) for one, row in zip(lists, log_probs, strict=True)]


def tune(lists: Sequence[NBest], log_probs: Sequence[NDArray[np.float64]]) -> Interpolation:
    """Search the grid WEIGHTS x LENGTH_PENALTIES for the fewest word errors.

    Args:
        lists: Lists with references.
        log_probs: The result of `score_candidates`.

    Returns:
        The best parameters; of equal ones those with the smallest penalty, then with the smallest weight.
    """
    grid = [Interpolation(weight, penalty) for weight, penalty in product(WEIGHTS, LENGTH_PENALTIES)]
    errors = np.zeros(len(grid), dtype=np.int64)
    for one, row in zip(lists, log_probs, strict=True):
        errors += count_word_errors(one)[np.argmax(_totals(one, row, grid), axis=1)]

    def order(index: int) -> tuple[int, float, float]:
        return int(errors[index]), abs(grid[index].length_penalty), grid[index].weight

    return grid[min(range(len(grid)), key=order)]


def word_error_rates(lists: Sequence[NBest], chosen: Sequence[int]) -> WordErrorRates:
    """Compute the word error rates before and after rescoring.

    Args:
        lists: Lists that all have a reference, at least one of them with a word.
        chosen: The index of the chosen candidate of each list.

    Returns:
        The rates.
    """
    errors = [count_word_errors(one) for one in lists]
    words = sum(len((one.reference or "").split()) for one in lists)
    before = sum(row[int(np.argmax(one.scores))] for row, one in zip(errors, lists, strict=True))
    after = sum(row[index] for row, index in zip(errors, chosen, strict=True))
    return WordErrorRates(words, before / words, after / words, sum(row.min() for row in errors) / words)


def count_word_errors(candidates: NBest) -> NDArray[np.int64]:
    """Count substitutions, deletions and insertions of each candidate against the reference, (candidates,)."""
    import jiwer

    reference = " ".join((candidates.reference or "").split())
    if not reference:
        return np.asarray([len(text.split()) for text in candidates.texts])
    alignments = [jiwer.process_words(reference, text) for text in candidates.texts]
    return np.asarray([one.substitutions + one.deletions + one.insertions for one in alignments])


def _totals(one: NBest, log_probs: NDArray[np.float64], grid: Sequence[Interpolation]) -> NDArray[np.float64]:
    """Compute the totals (G, candidates). A candidate with p = 0 comes last for every positive weight."""
    weights = np.array([[interpolation.weight] for interpolation in grid])
    penalties = np.array([[interpolation.length_penalty] for interpolation in grid])
    words = np.array([len(text.split()) for text in one.texts])
    finite = np.maximum(log_probs, -1e300)
    return np.asarray(one.scores) + weights * finite + penalties * words
