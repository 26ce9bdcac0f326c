"""Rescoring with given log-likelihoods."""

import numpy as np

from unroll.use.rescoring import (
    WEIGHTS,
    Interpolation,
    NBest,
    WordErrorRates,
    choose,
    count_word_errors,
    tune,
    word_error_rates,
)

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


def test_tuning_finds_zero_errors_close_to_the_start() -> None:
    tuned = tune(LISTS * 40, LOG_PROBS * 40, Interpolation(10, 0))
    assert tuned.length_penalty == 0
    assert 1 / 6 < tuned.weight <= 1
    assert tuned.weight == max(weight for weight in WEIGHTS if weight < 1.001)  # at 1, the second list has a tie
    rates = word_error_rates(LISTS, choose(LISTS, LOG_PROBS, tuned))
    assert rates == WordErrorRates(2, 5, 1 / 5, 0.0, 0.0)


def test_parameters_that_change_no_error_are_kept() -> None:
    start = Interpolation(0.37, -1.25)
    same = [NBest("1", ["a b", "a c"], [-1.0, -2.0], "x y")]
    assert tune(same * 50, [np.array([-3.0, -1.0])] * 50, start) == start
    assert tune(same, [np.array([-3.0, -1.0])], start) == start


def test_one_list_decides_nothing_and_many_lists_decide() -> None:
    start = Interpolation(0, 0)
    assert tune(LISTS[:1], LOG_PROBS[:1], start) == start
    assert tune(LISTS[:1] * 100, LOG_PROBS[:1] * 100, start).weight > 1 / 6


def _draw_lists(generator: np.random.Generator, count: int) -> tuple[list[NBest], list[np.ndarray]]:
    """Lists of ten candidates, whose scores and log-probabilities fall with their errors, beside much noise."""
    lists, log_probs = [], []
    for number in range(count):
        errors = generator.integers(0, 8, 10)
        words = generator.integers(8, 13, 10)
        texts = [" ".join("w" * n) for n in words.tolist()]
        scores = -errors + generator.normal(0, 4, 10)
        lists.append(NBest(str(number), texts, scores.tolist(), errors=errors.tolist(), words=10))
        log_probs.append(-errors - words + generator.normal(0, 4, 10))
    return lists, log_probs


def test_tuning_on_few_lists_is_not_worse_than_the_given_parameters() -> None:
    """Weight 1 is the best one here. With the fewest errors of 40 lists, the error rate is larger in other lists."""
    start, given, tuned = Interpolation(1, 1), [], []
    for seed in range(8):
        generator = np.random.default_rng(seed)
        parameters = tune(*_draw_lists(generator, 40), start)
        others = _draw_lists(generator, 1000)
        for results, one in ((given, start), (tuned, parameters)):
            rates = word_error_rates(others[0], choose(*others, one))
            assert rates is not None
            results.append(rates.after)
    assert np.mean(tuned) < np.mean(given) + 0.002


def test_lists_without_errors_and_references_are_left_out_of_the_rates() -> None:
    unknown = NBest("3", ["a", "b"], [0.0, 0.0])
    known = word_error_rates(LISTS, [1, 0])
    assert known == word_error_rates([*LISTS, unknown], [1, 0, 1])
    assert word_error_rates([unknown], [0]) is None
    assert word_error_rates([NBest("4", ["a"], [0.0], "")], [0]) is None


def test_an_empty_reference_counts_insertions() -> None:
    silence = NBest("3", ["a b", ""], [0.0, -1.0], "")
    rates = word_error_rates([*LISTS, silence], [1, 0, 0])
    assert rates == WordErrorRates(3, 5, 3 / 5, 2 / 5, 0.0)


def test_errors_that_a_list_brings_along_are_used() -> None:
    counted = [NBest(one.id, one.texts, one.scores, None, count_word_errors(one).tolist(), 2) for one in LISTS]
    assert [count_word_errors(one).tolist() for one in counted] == [[1, 0, 2], [0, 1]]
    other = [NBest("1", ["a b d", "a b c", "a"], [-1.0, -1.5, -9.0], "a b c", [0, 1, 1])]
    assert word_error_rates(other, [1]) == WordErrorRates(1, 3, 0.0, 1 / 3, 0.0)
    assert tune(counted * 40, LOG_PROBS * 40, Interpolation(10, 0)) == tune(
        LISTS * 40, LOG_PROBS * 40, Interpolation(10, 0)
    )


def test_impossible_candidates_are_chosen_last() -> None:
    log_probs = [np.array([-np.inf, -6.0, -np.inf]), np.array([-np.inf, -np.inf])]
    assert choose(LISTS, log_probs, Interpolation(0.5, 0)) == [1, 0]
    assert choose(LISTS, log_probs, Interpolation(0, 0)) == [0, 0]
