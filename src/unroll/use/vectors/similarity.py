"""Similarity data sets: pairs of words whose similarity people have judged, such as WordSim-353 and SimLex-999.

The judgements are compared with the cosines of the vectors by Spearman's rank correlation. Its interval is that of
Fisher's z with the standard error of Bonett and Wright (2000), sqrt((1 + r^2 / 2) / (n - 3)).
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scipy.special import ndtri

from unroll.errors import UnrollError
from unroll.use.model import TextModel
from unroll.use.vectors.neighbours import Measure, compare, find_lexicon, find_row

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
WORDS_ONLY, SCORED = 2, 3
"""The numbers of columns of a line."""
SHOWN = 20
"""The number of characters of a wrong score that a message shows."""
MIN_INTERVAL, MIN_PAIRS = 4, 2
"""The numbers of pairs from which on there is an interval, and a correlation."""


class Judgement(NamedTuple):
    """Two words, and how similar people have found them; None if the file has no scores."""

    first: str
    second: str
    score: float | None


@dataclass(frozen=True)
class Comparison:
    """A judgement and what the vectors say of it."""

    judgement: Judgement
    """The judgement."""
    value: float | None
    """The cosine or the Euclidean distance of the vectors; None if a word has no vector."""
    unknown: tuple[str, ...]
    """The words that have no vector."""


@dataclass(frozen=True)
class Correlation:
    """The agreement of vectors with judgements."""

    spearman: float
    """Spearman's rank correlation of the covered pairs."""
    low: float
    """The lower end of its interval; NaN for fewer than four pairs."""
    high: float
    """The upper end of its interval."""
    pairs: int
    """The number of pairs of the file."""
    covered: int
    """The number of pairs whose words both have a vector. The others are left out."""
    unknown: int
    """The number of different words that have no vector."""


def parse_judgements(lines: Iterable[tuple[int, str]], name: str) -> list[Judgement]:
    """Parse a similarity data set: on each line two words, and a score in a third column.

    The first line decides what separates columns: tabs, else commas, else spaces. It may be a header. Lines that begin
    with `#` are comments.

    Args:
        lines: The number and the text of each line that is not blank.
        name: The name of the file, for messages.

    Returns:
        The judgements, at least one.

    Raises:
        UnrollError: A line does not have two words and a score, only some lines have a score, or there is no pair.
    """
    rows = [(number, line) for number, line in lines if not line.startswith("#")]
    separator = next((mark for mark in "\t," if rows and mark in rows[0][1]), None)
    judgements: list[Judgement] = []
    for index, (number, line) in enumerate(rows):
        columns = [column.strip() for column in line.split(separator)]
        if len(columns) not in (WORDS_ONLY, SCORED) or not all(columns):
            raise UnrollError(
                f"{name}: line {number}: has {len(columns)} columns, or an empty one; write two words and a score, "
                "separated by tabs, commas or spaces"
            )
        if len(columns) == SCORED and not NUMBER.fullmatch(columns[2]):
            if index == 0:
                continue  # a header
            raise UnrollError(f"{name}: line {number}: the score {columns[2][:SHOWN]!r} is not a number; correct it")
        score = float(columns[2]) if len(columns) == SCORED else None
        if judgements and (score is None) != (judgements[0].score is None):
            raise UnrollError(f"{name}: line {number}: only some lines have a score; give all lines one, or none")
        judgements.append(Judgement(columns[0], columns[1], score))
    if not judgements:
        raise UnrollError(f"{name}: has no pair of words; give a file with at least one")
    return judgements


def compare_pairs(model: TextModel, judgements: Sequence[Judgement], measure: Measure = "cosine") -> list[Comparison]:
    """Compare the vectors of pairs of words.

    Args:
        model: A model with word vectors.
        judgements: The pairs.
        measure: `cosine` or `euclidean`.

    Returns:
        A comparison for each pair.

    Raises:
        UnrollError: The model has no word vectors, or there is no such measure.
    """
    lexicon = find_lexicon(model)
    rows: dict[str, int | None] = {}
    for word in dict.fromkeys(word for pair in judgements for word in pair[:2]):
        try:
            rows[word] = find_row(model, lexicon, word)
        except UnrollError:
            rows[word] = None
    results = []
    for pair in judgements:
        first, second = rows[pair.first], rows[pair.second]
        value = None
        if first is not None and second is not None:
            value = float(compare(lexicon.vectors[[first]], lexicon.vectors[second], measure)[0])
        unknown = tuple(word for word in dict.fromkeys(pair[:2]) if rows[word] is None)
        results.append(Comparison(pair, value, unknown))
    return results


def correlate(comparisons: Sequence[Comparison], measure: Measure = "cosine", confidence: float = 0.95) -> Correlation:
    """Correlate the vectors with the judgements.

    Args:
        comparisons: The comparisons, whose judgements have scores.
        measure: The measure of the comparisons. A small Euclidean distance is a large similarity.
        confidence: The confidence level of the interval.

    Returns:
        The correlation.

    Raises:
        UnrollError: Fewer than two pairs are covered, or all their scores or all their values are equal.
    """
    from scipy.stats import spearmanr  # slow to import

    sign = -1 if measure == "euclidean" else 1
    covered = [(one.judgement.score, sign * one.value) for one in comparisons if one.value is not None]
    unknown = len({word for one in comparisons for word in one.unknown})
    said = f"the vectors cover {len(covered)} of {len(comparisons)} pairs ({unknown} unknown words)"
    if len(covered) < MIN_PAIRS:
        raise UnrollError(f"{said}, and a correlation needs two; give vectors of more words, or other pairs")
    scores, values = zip(*covered, strict=True)
    if len(set(scores)) == 1 or len(set(values)) == 1:
        raise UnrollError(f"{said}, whose scores or similarities are all equal, so there is no correlation")
    r = float(spearmanr(scores, values).statistic)
    low, high = _interval(r, len(covered), confidence)
    return Correlation(r, low, high, len(comparisons), len(covered), unknown)


def _interval(r: float, pairs: int, confidence: float) -> tuple[float, float]:
    if pairs < MIN_INTERVAL:
        return math.nan, math.nan
    if abs(r) >= 1:
        return r, r
    margin = float(ndtri((1 + confidence) / 2)) * math.sqrt((1 + r**2 / 2) / (pairs - 3))
    return math.tanh(math.atanh(r) - margin), math.tanh(math.atanh(r) + margin)
