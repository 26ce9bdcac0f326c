"""Spans in tagged sentences: the phrases or names that tags in BIO format mark, and their precision, recall and F1.

The rules are those of the evaluation of CoNLL-2000 (Tjong Kim Sang and Buchholz 2000): a span begins with B-X, or with
I-X that follows another kind or O, and extends over the I-X after it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

BIO = re.compile(r"O|[BI]-\S+")


class Span(NamedTuple):
    """A span of a sentence."""

    kind: str
    """The X of its tags."""
    first: int
    """The index of its first word."""
    last: int
    """The index of its last word."""


@dataclass(frozen=True)
class SpanScores:
    """The agreement of spans: a span is right if its kind, its first and its last word are."""

    spans: int
    """The number of true spans."""
    precision: float
    """The share of the predicted spans that are true; 0 without a predicted span."""
    recall: float
    """The share of the true spans that are predicted; 0 without a true span."""
    f1: float
    """2 precision recall / (precision + recall)."""


def is_bio(tags: Iterable[str]) -> bool:
    """Return whether tags are in BIO format: all of them are O, B-X or I-X, and O is not the only one."""
    tags = set(tags)
    return all(map(BIO.fullmatch, tags)) and bool(tags - {"O"})


def find_spans(tags: Sequence[str]) -> list[Span]:
    """Return the spans of the tags of one sentence in order."""
    spans: list[Span] = []
    kind, first = "", 0
    for index, tag in enumerate([*tags, "O"]):
        mark, _, own = tag.partition("-")
        if kind and (mark != "I" or own != kind):
            spans.append(Span(kind, first, index - 1))
            kind = ""
        if mark != "O" and not kind:
            kind, first = own, index
    return spans


def score_spans(true: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> SpanScores:
    """Score the spans of predicted tags.

    Args:
        true: The tags of each sentence.
        predicted: The predicted tags of each sentence.

    Returns:
        The scores over all sentences.
    """
    expected, found = (
        {(row, span) for row, tags in enumerate(sentences) for span in find_spans(tags)}
        for sentences in (true, predicted)
    )
    right = len(expected & found)
    precision, recall = right / max(1, len(found)), right / max(1, len(expected))
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return SpanScores(len(expected), precision, recall, f1)
