"""Mixtures: the laws of the contract, the weights against their optimum, and zero probabilities."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from tests import toy
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import LanguageModel, log_probs_by_stepping
from unroll.models.mixture import model as mixture
from unroll.models.mixture.params import MixtureParams
from unroll.params.experiments import ModelParams
from unroll.text.tokenizers.vocabulary import EOS

PARAMS = MixtureParams(
    family="mixture", tokenizer="toy", first="bigram", second="cache", iterations=200, tolerance=1e-9
)
NGRAM = {"family": "ngram", "tokenizer": "toy", "prune": [0]}
MEMBERS: dict[str, dict[str, Any]] = {
    "bigram": NGRAM | {"order": 2, "smoothing": {"kind": "add_k", "k": 0.1}},
    "unigram": NGRAM | {"order": 1, "smoothing": {"kind": "add_k", "k": 0.1}},
    "likelihood": NGRAM | {"order": 3, "smoothing": {"kind": "maximum_likelihood"}},
    "cache": {"family": "cache", "tokenizer": "toy", "window": 20, "decay": 0.9, "uniform": 0.2},
    "forgetful": {"family": "cache", "tokenizer": "toy", "window": 1, "decay": 1.0, "uniform": 0.0},
}


def member(name: str) -> Any:
    params = TypeAdapter(ModelParams).validate_python(MEMBERS[name])
    return models.family(params.family).fit(params, toy.text(), Inputs(), lambda *_, **__: None)


def fit(*names: str) -> tuple[mixture.Model, list[dict[str, float]]]:
    """Fit a mixture of any number of members, and return the logged values, too."""
    rows: list[dict[str, float]] = []
    members = [member(name) for name in names]
    weights = mixture.fit_weights(PARAMS, toy.text(), members, lambda step, **values: rows.append(values))
    return mixture.Model(PARAMS, members, weights), rows


def inputs() -> Inputs:
    return Inputs(trained={name: member(name) for name in ("bigram", "cache")})


def test_members_come_from_the_inputs() -> None:
    """`fit` reads its members by their names, and gives them the weights of `fit_weights`."""
    made = mixture.fit(PARAMS, toy.text(), inputs(), lambda *_, **__: None)
    assert [type(member).__module__ for member in made.members] == [
        "unroll.models.ngram.model",
        "unroll.models.cache.model",
    ]
    np.testing.assert_array_equal(made.weights, fit("bigram", "cache")[0].weights)


@pytest.mark.parametrize("names", [("bigram", "cache"), ("likelihood", "forgetful"), ("bigram", "cache", "likelihood")])
def test_satisfies_the_contract(names: tuple[str, ...], tmp_path: Path) -> None:
    made, _ = fit(*names)
    assert isinstance(made, LanguageModel)
    documents = [*toy.text().test.documents[:5], np.empty(0, np.int64), np.asarray([EOS])]
    scores = made.log_probs(documents)
    for ours, stepped, alone in zip(
        scores, log_probs_by_stepping(made, documents), [made.log_probs([d])[0] for d in documents], strict=True
    ):
        assert not np.isnan(ours).any()
        np.testing.assert_allclose(ours, stepped, rtol=1e-12)
        np.testing.assert_array_equal(ours, alone)
    np.testing.assert_allclose(made.log_probs([documents[0][:3]])[0], scores[0][:3], rtol=1e-12)
    state = made.advance(made.start(2), np.asarray([4, 5]))
    rows = made.next_log_probs(state)
    np.testing.assert_allclose(np.exp(rows).sum(1), 1)
    np.testing.assert_array_equal(made.next_log_probs(made.select(state, np.asarray([1, 1]))), rows[[1, 1]])
    made.save(tmp_path)
    loaded = models.load(tmp_path)
    np.testing.assert_array_equal(np.concatenate(loaded.log_probs(documents)), np.concatenate(scores))


def test_weights_are_the_best_on_the_valid_split() -> None:
    """The loss is convex in the weight, so a fine grid contains the optimum, and EM never increases it."""
    made, rows = fit("likelihood", "unigram")
    documents = toy.text().valid.documents
    first, second = (np.exp(np.concatenate(m.log_probs(documents))) for m in made.members)
    grid = np.linspace(0, 1, 10_001)
    with np.errstate(divide="ignore"):
        losses = [-np.log(w * first + (1 - w) * second).mean() for w in grid]
    assert made.weights[0] == pytest.approx(grid[np.argmin(losses)], abs=2e-3)
    assert 0.5 < made.weights[0] < 1
    assert made.weights.sum() == pytest.approx(1, abs=1e-15)
    losses_of_em = [row["valid_loss"] for row in rows]
    assert (np.diff(losses_of_em) <= 1e-12).all()
    assert losses_of_em[-1] == pytest.approx(min(losses), abs=1e-6)
    assert losses_of_em[-1] < min(losses[0], losses[-1])


def test_zero_probabilities_stay_exact() -> None:
    """A token has -inf if no member with a positive weight allows it."""
    first, second = member("likelihood"), member("forgetful")
    document = np.asarray([4, 5, 5, 12, 4])
    scores = [m.log_probs([document])[0] for m in (first, second)]
    assert np.isneginf(scores[0]).any()
    assert np.isneginf(scores[1]).any()
    made = mixture.Model(PARAMS, [first, second], np.array([0.25, 0.75]))
    expected = 0.25 * np.exp(scores[0]) + 0.75 * np.exp(scores[1])
    assert (expected == 0).any()
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(made.log_probs([document])[0], np.log(expected), rtol=1e-12)
    alone = mixture.Model(PARAMS, [first, second], np.array([1.0, 0.0]))
    np.testing.assert_array_equal(alone.log_probs([document])[0], scores[0])


def test_em_ignores_tokens_that_no_member_allows() -> None:
    made, rows = fit("likelihood", "forgetful")
    assert np.isfinite(made.weights).all()
    assert made.weights[0] > 0.9  # a member that repeats the last token is a bad model of this text
    assert all(row["valid_loss"] == np.inf for row in rows)


def test_if_no_token_is_possible_the_weights_stay_equal() -> None:
    data = toy.text()
    unseen = np.full(3, toy.VOCABULARY_SIZE - 1)
    broken = [member("forgetful"), member("forgetful")]
    stream = data.valid.__class__(np.asarray([1, *unseen]), np.asarray([0, 4]))
    for m in broken:
        m.log_probs = lambda documents: [np.full(len(d), -np.inf) for d in documents]
    streams = data.streams | {"valid": {"text": stream}}
    weights = mixture.fit_weights(PARAMS, replace(data, streams=streams), broken, lambda *_, **__: None)
    np.testing.assert_array_equal(weights, [0.5, 0.5])


def test_members_of_another_vocabulary_are_refused() -> None:
    data = replace(toy.text(), vocabulary_size=toy.VOCABULARY_SIZE + 1)
    with pytest.raises(UnrollError, match="mix models with the same tokenizer"):
        mixture.fit(PARAMS, data, inputs(), lambda *_, **__: None)
