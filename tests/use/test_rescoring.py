"""Rescoring with log-likelihoods that are known."""

import numpy as np

from unroll.use.rescoring import Interpolation, NBest, best, report, tune, word_errors

LISTS = [
    NBest("1", ["a b d", "a b c", "a"], [-1.0, -1.5, -9.0], "a b c"),
    NBest("2", ["x y", "x"], [-1.0, -2.0], "x y"),
]
LOG_PROBS = [np.array([-9.0, -6.0, -2.0]), np.array([-5.0, -4.0])]


def test_totals_are_log_linear() -> None:
    assert best(LISTS, LOG_PROBS, Interpolation(0, 0)) == [0, 0]
    assert best(LISTS, LOG_PROBS, Interpolation(1, 0)) == [1, 0]
    assert best(LISTS, LOG_PROBS, Interpolation(10, 0)) == [2, 1]
    assert best(LISTS, LOG_PROBS, Interpolation(10, 20)) == [1, 0]


def test_word_errors_are_edits_of_words() -> None:
    assert word_errors(LISTS[0]).tolist() == [1, 0, 2]
    assert word_errors(NBest("3", ["a b", ""], [0.0, 0.0], "")).tolist() == [2, 0]


def test_tuning_finds_what_makes_no_error_and_stays_near_nothing() -> None:
    by = tune(LISTS, LOG_PROBS)
    assert by.length_penalty == 0
    assert 1 / 6 < by.weight < 1
    errors = report(LISTS, best(LISTS, LOG_PROBS, by))
    assert (errors.words, errors.before, errors.after, errors.oracle) == (5, 1 / 5, 0.0, 0.0)
    without = tune([LISTS[1]], [LOG_PROBS[1]])
    assert (without.weight, without.length_penalty) == (0, 0)


def test_the_impossible_is_the_last_choice() -> None:
    log_probs = [np.array([-np.inf, -6.0, -np.inf]), np.array([-np.inf, -np.inf])]
    assert best(LISTS, log_probs, Interpolation(0.5, 0)) == [1, 0]
    assert best(LISTS, log_probs, Interpolation(0, 0)) == [0, 0]
