"""The picture of the occurrences of a word."""

import numpy as np

from unroll.report.pictures.occurrences import draw


def test_occurrences_are_numbers_with_their_contexts() -> None:
    places = [("a [bank] $1", 0.0, 0.0), ("the [bank] of", 1.0, 2.0), ("[bank]", 0.01, 0.0), ("b [bank]", 1.0, 1.8)]
    (axes,) = draw(places, "bank").axes
    texts = [text.get_text() for text in axes.texts]
    assert texts[:-1] == ["1, 3", "2", "4"]
    assert texts[-1].split("\n") == ["1  a [bank] \\$1", "2  the [bank] of", "3  [bank]", "4  b [bank]"]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [place[1:] for place in places])


def test_occurrences_at_one_place_have_one_label() -> None:
    (axes,) = draw([("a", 0.0, 0.0), ("b", 0.0, 0.0)], "same").axes
    assert [text.get_text() for text in axes.texts] == ["1, 2", "1  a\n2  b"]
