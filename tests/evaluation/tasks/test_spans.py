"""Spans of BIO tags: worked examples, and seqeval on random tags."""

import random

import pytest

from unroll.evaluation.tasks.spans import Span, find_spans, is_bio, score_spans

TAGS = ["O", "B-NP", "I-NP", "B-VP", "I-VP", "B-PP"]


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("", []),
        ("O O", []),
        ("B-NP I-NP O B-NP", [("NP", 0, 1), ("NP", 3, 3)]),
        ("B-NP B-NP I-NP", [("NP", 0, 0), ("NP", 1, 2)]),
        ("B-NP I-VP", [("NP", 0, 0), ("VP", 1, 1)]),
        ("O I-NP I-NP", [("NP", 1, 2)]),
        ("I-NP I-NP B-NP", [("NP", 0, 1), ("NP", 2, 2)]),
    ],
)
def test_worked_spans(tags: str, spans: list[tuple[str, int, int]]) -> None:
    assert find_spans(tags.split()) == [Span(*span) for span in spans]


def test_worked_scores() -> None:
    """Two of three predicted spans are right, and two of four true ones are found."""
    true = [["B-NP", "I-NP", "B-VP", "B-NP"], ["B-NP"]]
    predicted = [["B-NP", "I-NP", "B-NP", "I-NP"], ["B-NP"]]
    scores = score_spans(true, predicted)
    assert (scores.spans, scores.precision, scores.recall) == (4, 2 / 3, 2 / 4)
    assert scores.f1 == pytest.approx(4 / 7)


def test_no_spans_at_all() -> None:
    scores = score_spans([["O", "O"]], [["O", "B-NP"]])
    assert (scores.spans, scores.precision, scores.recall, scores.f1) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [(TAGS, True), (["O"], False), (["NOUN", "O"], False), (["B-X", "I-X"], True), (["B-", "O"], False)],
)
def test_tags_in_bio_format(tags: list[str], expected: bool) -> None:
    assert is_bio(tags) == expected


def test_seqeval_agrees() -> None:
    seqeval = pytest.importorskip("seqeval.metrics", reason="seqeval is not installed")
    draw = random.Random(1)
    true, predicted = ([draw.choices(TAGS, k=draw.randint(1, 12)) for _ in range(200)] for _ in range(2))
    predicted = [draw.choices(TAGS, k=len(tags)) if draw.random() < 0.5 else list(tags) for tags in true]
    scores = score_spans(true, predicted)
    assert scores.f1 == pytest.approx(seqeval.f1_score(true, predicted))
    assert scores.precision == pytest.approx(seqeval.precision_score(true, predicted))
    assert scores.recall == pytest.approx(seqeval.recall_score(true, predicted))
