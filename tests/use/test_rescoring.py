"""Rescoring with given log-likelihoods."""

import numpy as np

from unroll.use.rescoring import Interpolation, NBest, choose, count_word_errors, tune, word_error_rates

LISTS = [
    NBest("1", ["a b d", "a b c", "a"], [-1.0, -1.5, -9.0], "a b c"),
    NBest("2", ["x y", "x"], [-1.0, -2.0], "x y"),
]
LOG_PROBS = [np.array([-9.0, -6.0, -2.0]), np.array([-5.0, -4.0])]


def test_totals_are_log_linear() -> None:
    assert choose(LISTS, LOG_PROBS, Interpolation(0, 0)) == [0, 0]
    assert choose(LISTS, LOG_PROBS, Interpolation(1, 0)) == [1, 0]
    assert choose(LISTS, LOG_PROBS, Interpolation(10, 0)) == [2, 1]
    assert choose(LISTS, LOG_PROBS, Interpolation(10, 20)) == [1, 0]


def test_word_errors_are_word_edits() -> None:
    assert count_word_errors(LISTS[0]).tolist() == [1, 0, 2]
    assert count_word_errors(NBest("3", ["a b", ""], [0.0, 0.0], "")).tolist() == [2, 0]


def test_tuning_finds_zero_errors_with_the_smallest_parameters() -> None:
    tuned = tune(LISTS, LOG_PROBS)
    assert tuned.length_penalty == 0
    assert 1 / 6 < tuned.weight < 1
    rates = word_error_rates(LISTS, choose(LISTS, LOG_PROBS, tuned))
    assert (rates.words, rates.before, rates.after, rates.oracle) == (5, 1 / 5, 0.0, 0.0)
    unused = tune([LISTS[1]], [LOG_PROBS[1]])
    assert (unused.weight, unused.length_penalty) == (0, 0)


def test_impossible_candidates_are_chosen_last() -> None:
    log_probs = [np.array([-np.inf, -6.0, -np.inf]), np.array([-np.inf, -np.inf])]
    assert choose(LISTS, log_probs, Interpolation(0.5, 0)) == [1, 0]
    assert choose(LISTS, log_probs, Interpolation(0, 0)) == [0, 0]
