"""Rescoring of n-best lists, as a speech recogniser or a translation system produces them.

The total of a candidate is log-linear: its own score + weight * log p(text) + length_penalty * words. Both parameters
are tuned to few word errors on lists whose errors are known, from their references or from the lists themselves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from unroll.use.model import TextModel
from unroll.use.tuning import choose_setting

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
    """The correct text, if it is available; it may be empty."""
    errors: list[int] | None = None
    """The word errors of each candidate as somebody else counted them; None to count them against the reference."""
    words: int | None = None
    """The number of words of the correct text; None to count those of the reference."""

    @property
    def is_measured(self) -> bool:
        """Whether the word errors of the candidates are known."""
        return self.errors is not None or self.reference is not None

    @property
    def reference_words(self) -> int:
        """The number of words of the correct text; 0 if it is not known."""
        return len((self.reference or "").split()) if self.words is None else self.words


@dataclass(frozen=True)
class Interpolation:
    """The parameters of the log-linear total."""

    weight: float
    """The weight of log p(text)."""
    length_penalty: float
    """The nats that are added for each word."""


@dataclass(frozen=True)
class WordErrorRates:
    """Word errors per word of the references, over the lists whose errors are known."""

    lists: int
    """The number of these lists."""
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


def tune(lists: Sequence[NBest], log_probs: Sequence[NDArray[np.float64]], start: Interpolation) -> Interpolation:
    """Search the grid WEIGHTS x LENGTH_PENALTIES for few word errors, by `unroll.use.tuning`.

    Args:
        lists: Lists whose errors are known.
        log_probs: The result of `score_candidates`.
        start: The parameters that are kept unless the lists speak against them.

    Returns:
        The parameters.
    """
    grid = [start] + [Interpolation(weight, penalty) for weight, penalty in product(WEIGHTS, LENGTH_PENALTIES)]
    errors = [
        count_word_errors(one)[np.argmax(_totals(one, row, grid), axis=1)]
        for one, row in zip(lists, log_probs, strict=True)
    ]
    return grid[choose_setting(np.stack(errors), [_distance(point, start) for point in grid])]


def _distance(point: Interpolation, start: Interpolation) -> tuple[float, float]:
    """Return how far parameters are from others: first by the penalty, then by the ratio of the weights."""
    smallest = WEIGHTS[1]  # added to both weights, since they may be zero
    ratio = (point.weight + smallest) / (start.weight + smallest)
    return abs(point.length_penalty - start.length_penalty), abs(math.log(ratio))


def word_error_rates(lists: Sequence[NBest], chosen: Sequence[int]) -> WordErrorRates | None:
    """Compute the word error rates before and after rescoring.

    Args:
        lists: The lists. Those whose errors are not known are left out.
        chosen: The index of the chosen candidate of each list.

    Returns:
        The rates; None if no list has a reference with a word.
    """
    measured = [(one, index) for one, index in zip(lists, chosen, strict=True) if one.is_measured]
    words = sum(one.reference_words for one, _ in measured)
    if not words:
        return None
    errors = [(count_word_errors(one), one.scores, index) for one, index in measured]
    before = sum(row[int(np.argmax(scores))] for row, scores, _ in errors) / words
    after = sum(row[index] for row, _, index in errors) / words
    return WordErrorRates(len(measured), words, before, after, sum(row.min() for row, _, _ in errors) / words)


def count_word_errors(candidates: NBest) -> NDArray[np.int64]:
    """Return the substitutions, deletions and insertions of each candidate, (candidates,).

    Args:
        candidates: A list with counts of errors, or with a reference that they are counted against.

    Returns:
        The counts of the list if it brings them along.
    """
    import jiwer

    if candidates.errors is not None:
        return np.asarray(candidates.errors, dtype=np.int64)
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
