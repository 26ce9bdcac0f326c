"""The unigram cache against its equation, computed in a loop."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import toy
from unroll import models
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import log_probs_by_stepping
from unroll.models.cache import model as cache
from unroll.models.cache.params import CacheParams
from unroll.text.streams import Ids

SIZE = toy.VOCABULARY_SIZE


def model(**changes: Any) -> cache.Model:
    numbers: dict[str, Any] = {"window": 5, "decay": 0.8, "uniform": 0.1}
    params = CacheParams(family="cache", tokenizer="toy", **numbers | changes)
    return cache.fit(params, toy.text(), Inputs(), lambda *_, **__: None)


def by_definition(document: Ids, window: int, decay: float, uniform: float) -> list[float]:
    floor = 1 / (SIZE - 2)
    results = []
    for t, token in enumerate(document):
        weights = {i: decay ** (t - 1 - i) for i in range(max(0, t - window), t)}
        count = sum(weight for i, weight in weights.items() if document[i] == token)
        cached = count / sum(weights.values()) if weights else floor
        results.append(uniform * floor + (1 - uniform) * cached)
    return results


@pytest.mark.parametrize("numbers", [{}, {"window": 1000}, {"window": 1}, {"decay": 1.0}, {"uniform": 1.0}])
def test_log_probs_are_the_equation_and_equal_stepping(numbers: dict[str, Any]) -> None:
    made = model(**numbers)
    documents = [*toy.text().valid.documents, np.concatenate(toy.documents(9, 3)), np.empty(0, np.uint16)]
    expected = [by_definition(d, made.params.window, made.params.decay, made.params.uniform) for d in documents]
    for scores, stepped, probs in zip(
        made.log_probs(documents), log_probs_by_stepping(made, documents), expected, strict=True
    ):
        np.testing.assert_allclose(scores, np.log(probs), rtol=1e-12)
        np.testing.assert_allclose(scores, stepped, rtol=1e-12)


def test_rows_sum_to_one_and_select_reorders() -> None:
    made = model()
    state = made.start(3)
    for tokens in ([4, 5, 6], [4, 4, 7], [3, 2, 4]):
        before = state.copy()
        after = made.advance(state, np.asarray(tokens))
        np.testing.assert_array_equal(state, before)
        state = after
        rows = made.next_log_probs(state)
        np.testing.assert_allclose(np.exp(rows).sum(1), 1)
        assert np.isneginf(rows[:, :2]).all()
    picked = made.next_log_probs(made.select(state, np.asarray([2, 0, 2])))
    np.testing.assert_array_equal(picked, rows[[2, 0, 2]])


def test_without_the_uniform_part_tokens_outside_the_cache_are_impossible() -> None:
    scores = model(uniform=0.0).log_probs([np.asarray([4, 4, 5, 4])])[0]
    np.testing.assert_allclose(np.exp(scores), [1 / (SIZE - 2), 1, 0, (0.8 + 0.64) / (1 + 0.8 + 0.64)])
    assert np.isneginf(scores[2])


def test_blocks_and_weights_that_underflow_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    document = np.concatenate(toy.documents(30, 5))
    made = model(window=5000, decay=0.1)  # 0.1^4999 is zero
    whole = made.log_probs([document])[0]
    monkeypatch.setattr(cache, "BLOCK", 1000)
    np.testing.assert_allclose(made.log_probs([document])[0], whole, rtol=1e-14)
    assert np.isfinite(whole).all()


def test_save_and_load_are_exact(tmp_path: Path) -> None:
    made = model()
    made.save(tmp_path)
    loaded = models.load(tmp_path)
    assert (loaded.params, loaded.vocabulary_size) == (made.params, made.vocabulary_size)
