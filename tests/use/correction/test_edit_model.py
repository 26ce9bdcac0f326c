"""The edit model: its alignments, its probabilities, and its training."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unroll.use.correction.edit_model import (
    ALPHABET_SIZE,
    COPY,
    DELETE,
    INSERT,
    PRIOR_RATE,
    START,
    SUBSTITUTE,
    TRANSPOSE,
    EditModel,
)

WORDS = st.text("abc", max_size=6)


@pytest.mark.parametrize(
    ("right", "wrong", "events"),
    [
        ("the", "teh", [(COPY, "t", "t"), (TRANSPOSE, "h", "")]),
        ("list", "lst", [(COPY, "l", "l"), (DELETE, "i", ""), (COPY, "s", "s"), (COPY, "t", "t")]),
        ("at", "cat", [(INSERT, START, "c"), (COPY, "a", "a"), (COPY, "t", "t")]),
        ("at", "ab", [(COPY, "a", "a"), (SUBSTITUTE, "t", "b")]),
        ("", "", []),
    ],
)
def test_the_events_of_an_error(right: str, wrong: str, events: list[tuple[str, str, str]]) -> None:
    assert EditModel().align(right, wrong)[1] == events


def test_without_training_all_errors_of_a_kind_have_the_same_probability() -> None:
    copy = 1 - 3 * PRIOR_RATE
    model = EditModel()
    assert model.log_prob("the", "the") == pytest.approx(3 * math.log(copy))
    assert model.log_prob("teh", "the") == pytest.approx(math.log(copy * PRIOR_RATE))
    assert model.log_prob("thw", "the") == pytest.approx(math.log(copy**2 * PRIOR_RATE / ALPHABET_SIZE))


@given(WORDS, WORDS)
def test_events_reproduce_the_word_and_its_probability(right: str, wrong: str) -> None:
    model = EditModel([("abc", "acb"), ("abca", "abba"), ("cab", "caab")])
    total, events = model.align(right, wrong)
    assert total == pytest.approx(sum(math.log(model.probability(event)) for event in events))
    rest, typed = right, ""
    for kind, _, letter in events:
        if kind == TRANSPOSE:
            rest, typed = rest[2:], typed + rest[1] + rest[0]
        else:
            rest, typed = rest[kind != INSERT :], typed + letter
    assert (rest, typed) == ("", wrong)


def test_the_events_of_a_character_except_insertions_sum_to_one() -> None:
    model = EditModel([("abc", "acb"), ("abca", "abba")])
    replaced = [model.probability((SUBSTITUTE, "c", letter)) for letter in map(chr, range(97, 97 + ALPHABET_SIZE))]
    others = [model.probability((kind, "c", "")) for kind in (COPY, DELETE, TRANSPOSE)]
    assert sum(replaced) + sum(others) == pytest.approx(1)


def test_errors_of_the_training_pairs_become_more_probable() -> None:
    trained = EditModel([("receive", "recieve"), ("believe", "beleive")] * 20)
    assert trained.log_prob("decieve", "deceive") > EditModel().log_prob("decieve", "deceive")
    assert trained.log_prob("dexeive", "deceive") < trained.log_prob("decieve", "deceive")
