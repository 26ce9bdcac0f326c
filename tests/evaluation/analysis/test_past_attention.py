"""The reach of attention by distance, and maps of test documents."""

import numpy as np
import pytest

from tests.evaluation.subjects import subject
from tests.models.test_contract import train
from unroll.evaluation.analysis.past_attention import measure, reach


def test_the_reach_by_hand() -> None:
    """Two documents: one of four tokens that attends to the state before, and one of two."""
    one = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0.25, 0.75, 0, 0], [0.5, 0, 0.5, 0]])
    assert reach([one, one[:2, :2]], [1, 3, 9]) == [
        {"first": 1, "last": 1, "predictions": 4, "share": pytest.approx((1 + 0.75 + 0.5 + 1) / 4)},
        {"first": 2, "last": 3, "predictions": 2, "share": pytest.approx((0.25 + 0.5) / 2)},
    ]
    assert reach([one[:1, :1]], [1]) == []


def test_a_model_with_attention_has_maps_and_a_reach_and_others_have_not() -> None:
    result = measure(subject(train("gru-dot")))
    assert result is not None
    for shown in result.diagnostics["attention"]:
        assert shown["source"][0] == "<bos>"
        assert shown["source"][1:] == shown["target"][:-1]
        assert np.shape(shown["weights"]) == (len(shown["target"]), len(shown["source"]))
    first = result.diagnostics["attention_reach"][0]
    assert (first["first"], first["last"]) == (1, 1)
    assert 0 < first["share"] <= 1
    assert measure(subject(train("lstm"))) is None
    assert measure(subject(train("window"))) is None
