"""The rule of one standard error."""

import numpy as np

from unroll.use.tuning import choose_setting


def test_the_closest_setting_within_one_standard_error_is_chosen() -> None:
    """Differences from setting 2: setting 0 has 4, 4, 4, 4, without deviation, and setting 1 has 3, -1, 1, -1."""
    errors = np.array([[4, 3, 0], [5, 0, 1], [4, 1, 0], [5, 0, 1]])
    assert choose_setting(errors, [0, 1, 2]) == 1  # the sum 2 is below sqrt(4) * 1.91
    assert choose_setting(np.repeat(errors, 100, axis=0), [0, 1, 2]) == 2  # the sum 200 is above sqrt(400) * 1.66
    assert choose_setting(errors, [0, 2, 1]) == 2


def test_one_text_has_no_standard_error() -> None:
    assert choose_setting(np.array([[9, 0]]), [0, 1]) == 0


def test_equal_errors_keep_the_given_setting() -> None:
    assert choose_setting(np.zeros((50, 3), np.int64), [2, 0, 1]) == 1
