"""Hidden Markov models against the enumeration of all hidden paths and against hmmlearn, and the laws of EM."""

import gc
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests import toy
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import log_probs_by_stepping
from unroll.models.hmm import forward_backward
from unroll.models.hmm import model as hmm
from unroll.models.hmm.em import BaumWelch
from unroll.models.hmm.forward_backward import Counts, Probabilities, Trellis
from unroll.models.hmm.params import HmmParams
from unroll.text.streams import Ids


def params(**changes: Any) -> HmmParams:
    numbers: dict[str, Any] = {
        "states": 3,
        "pseudo_count": 0.01,
        "restarts": 3,
        "restart_tokens": 500,
        "restart_iterations": 4,
        "iterations": 15,
        "tolerance": 1e-6,
    }
    return HmmParams(family="hmm", tokenizer="toy", **numbers | changes)


def chain(states: int, size: int, seed: int, concentration: float = 1.0) -> hmm.Model:
    """Draw random probabilities. <pad> and <bos> are never emitted."""
    generator = np.random.default_rng(seed)
    emission = np.zeros((states, size))
    emission[:, 2:] = generator.dirichlet(np.full(size - 2, concentration), states)
    initial = generator.dirichlet(np.full(states, concentration))
    transition = generator.dirichlet(np.full(states, concentration), states)
    return hmm.Model(params(states=states), initial, transition, emission)


def trellis(model: hmm.Model, documents: list[Ids]) -> Trellis:
    starts = np.cumsum([0, *(len(document) for document in documents[:-1])])
    return Trellis(np.concatenate(documents), starts, len(model.initial), model.vocabulary_size)


def joint(model: hmm.Model, document: Ids, path: tuple[int, ...]) -> float:
    p = model.initial[path[0]] * model.emission[path[0], document[0]]
    for t in range(1, len(path)):
        p *= model.transition[path[t - 1], path[t]] * model.emission[path[t], document[t]]
    return float(p)


def enumerated(model: hmm.Model, document: Ids) -> Counts:
    """Compute expected counts from their definition: all paths, weighted by their posteriors."""
    paths = list(product(range(len(model.initial)), repeat=len(document)))
    weights = np.array([joint(model, document, path) for path in paths])
    counts = Counts(
        np.zeros_like(model.initial),
        np.zeros_like(model.transition),
        np.zeros_like(model.emission),
        float(np.log(weights.sum())),
    )
    for path, posterior in zip(paths, weights / weights.sum(), strict=True):
        counts.initial[path[0]] += posterior
        np.add.at(counts.transition, (path[:-1], path[1:]), posterior)
        np.add.at(counts.emission, (path, document), posterior)
    return counts


@pytest.fixture
def tiny() -> tuple[hmm.Model, list[Ids]]:
    generator = np.random.default_rng(3)
    return chain(3, 6, 1), [generator.integers(2, 6, length) for length in (5, 1, 7, 2)]


def test_likelihood_and_counts_equal_the_sum_over_paths(tiny: tuple[hmm.Model, list[Ids]]) -> None:
    model, documents = tiny
    counts = trellis(model, documents).expected_counts(model.probabilities)
    expected = [enumerated(model, document) for document in documents]
    assert counts.log_likelihood == pytest.approx(sum(e.log_likelihood for e in expected), rel=1e-12)
    for name in ("initial", "transition", "emission"):
        total = sum(getattr(e, name) for e in expected)
        np.testing.assert_allclose(getattr(counts, name), total, rtol=1e-11, atol=1e-15)


def test_log_probs_equal_the_sum_over_paths_and_stepping(tiny: tuple[hmm.Model, list[Ids]]) -> None:
    model, documents = tiny
    for scores, document in zip(model.log_probs(documents), documents, strict=True):
        assert scores.sum() == pytest.approx(enumerated(model, document).log_likelihood, rel=1e-12)
    for ours, stepped in zip(model.log_probs(documents), log_probs_by_stepping(model, documents), strict=True):
        np.testing.assert_allclose(ours, stepped, rtol=1e-11)


def test_the_state_is_the_filtering_distribution(tiny: tuple[hmm.Model, list[Ids]]) -> None:
    """p(z_t | x_1..x_t) is summed over all paths, and p(x_t+k | x_1..x_t) over all their continuations."""
    model, (document, *_) = tiny
    state = model.start()
    for token in document:
        state = model.advance(state, np.asarray([token]))
    filtered = np.zeros(3)
    for path in product(range(3), repeat=len(document)):
        filtered[path[-1]] += joint(model, document, path)
    np.testing.assert_allclose(state[0], [*(filtered / filtered.sum()), 0], rtol=1e-12)
    ahead = np.zeros(6)
    for z1, z2, z3 in product(range(3), repeat=3):
        ahead += state[0, z1] * model.transition[z1, z2] * model.transition[z2, z3] * model.emission[z3]
    np.testing.assert_allclose(np.exp(model.log_probs_ahead(state, 2))[0], ahead, rtol=1e-12)
    np.testing.assert_array_equal(model.log_probs_ahead(state, 1), model.next_log_probs(state))


def test_viterbi_equals_the_best_of_all_paths(
    tiny: tuple[hmm.Model, list[Ids]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, documents = tiny
    documents = [*documents, np.empty(0, np.int64)]
    found = model.viterbi(documents)
    monkeypatch.setattr(hmm, "VITERBI_BLOCK", 9)  # one document at a time
    for (path, log_joint), (alone, _), document in zip(found, model.viterbi(documents), documents, strict=True):
        best = max(product(range(3), repeat=len(document)), key=lambda p: joint(model, document, p) if p else 0.0)
        assert path.tolist() == alone.tolist() == list(best)
        assert log_joint == pytest.approx(np.log(joint(model, document, best)) if best else 0.0, rel=1e-12)


@pytest.mark.parametrize("concentration", [1.0, 0.05])  # the second chain is nearly deterministic, and forgets slowly
@pytest.mark.parametrize("cut", [{"MIN_STEPS": 8, "WIDTH": 8}, {"MIN_STEPS": 8, "WIDTH": 16, "BLOCK": 128}])
def test_cutting_a_stream_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, concentration: float, cut: dict[str, int]
) -> None:
    model = chain(4, 12, 5, concentration)
    generator = np.random.default_rng(2)
    documents = [generator.integers(2, 12, length) for length in (700, 3, 1, 90)]
    monkeypatch.setattr(forward_backward, "MIN_STEPS", 10**6)
    whole = trellis(model, documents)
    monkeypatch.undo()
    for name, value in cut.items():
        monkeypatch.setattr(forward_backward, name, value)
    pieces = trellis(model, documents)
    assert whole.blocks[0].tokens.shape == (794, 1)
    assert len(pieces.blocks) == (1 if "BLOCK" not in cut else 25)
    probabilities = model.probabilities
    np.testing.assert_allclose(pieces.scales(probabilities), whole.scales(probabilities), rtol=1e-10)
    ours, expected = pieces.expected_counts(probabilities), whole.expected_counts(probabilities)
    for name in ("log_likelihood", "initial", "transition", "emission"):
        np.testing.assert_allclose(getattr(ours, name), getattr(expected, name), rtol=1e-9, atol=1e-12)


def test_a_chain_that_never_forgets_is_still_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a cycle of two states only the first token reveals the state, so every row depends on the previous one."""
    monkeypatch.setattr(forward_backward, "MIN_STEPS", 8)
    monkeypatch.setattr(forward_backward, "WIDTH", 16)
    emission = np.array([[0, 0, 0.25, 0, 0.75, 0], [0, 0, 0.25, 0, 0, 0.75]])
    model = hmm.Model(params(states=2), np.array([0.5, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]]), emission)
    document = np.asarray([4, *[2] * 98, 5])
    scores = model.log_probs([document])[0]
    np.testing.assert_allclose(np.exp(scores), [0.375, *[0.25] * 98, 0.75], rtol=1e-12)
    counts = trellis(model, [document]).expected_counts(model.probabilities)
    np.testing.assert_allclose(counts.emission[:, [2, 4, 5]], [[49, 1, 0], [49, 0, 1]], atol=1e-12)


@pytest.mark.parametrize("documents", [1, 40])
def test_counts_and_likelihood_equal_hmmlearn(documents: int) -> None:
    reference = pytest.importorskip("hmmlearn.hmm")
    model = chain(8, 50, 4)
    tokens = np.random.default_rng(1).integers(2, 50, 4000)
    peer = reference.CategoricalHMM(8, implementation="scaling", n_features=50)
    peer.startprob_, peer.transmat_, peer.emissionprob_ = model.initial, model.transition, model.emission
    expected, log_likelihood = peer._do_estep(tokens[:, None], [len(tokens) // documents] * documents)
    counts = trellis(model, np.split(tokens, documents)).expected_counts(model.probabilities)
    assert counts.log_likelihood == pytest.approx(log_likelihood, rel=1e-10)
    for ours, theirs in (("initial", "start"), ("transition", "trans"), ("emission", "obs")):
        np.testing.assert_allclose(getattr(counts, ours), expected[theirs], rtol=1e-9, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("pseudo_count", [0.0, 0.5])
def test_em_never_lowers_the_objective(pseudo_count: float) -> None:
    data = toy.text()
    em = BaumWelch(params(pseudo_count=pseudo_count, tolerance=0), data.train, data.vocabulary_size)
    steps = list(em.run(em.initialize(np.random.default_rng(0)), 40))
    gains = np.diff([step.objective for step in steps])
    assert len(steps) == 40
    assert (gains > -1e-12).all()
    assert gains.sum() > 0.1
    if pseudo_count == 0:
        np.testing.assert_allclose([-step.loss for step in steps], [step.objective for step in steps])


def test_em_ends_at_the_tolerance() -> None:
    data = toy.text()
    em = BaumWelch(params(tolerance=0.01), data.train, data.vocabulary_size)
    objectives = [step.objective for step in em.run(em.initialize(np.random.default_rng(0)), 1000)]
    assert objectives[-1] - objectives[-2] < 0.01 <= np.diff(objectives[:-1]).min()


@pytest.mark.slow
def test_fit_learns_logs_and_is_deterministic() -> None:
    rows: list[dict[str, float]] = []
    data = toy.text()
    first = hmm.fit(
        params(states=8, iterations=30), data, Inputs(), lambda step, **values: rows.append({"step": step} | values)
    )
    second = hmm.fit(params(states=8, iterations=30), data, Inputs(), lambda *_, **__: None)
    for name in ("initial", "transition", "emission"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[-1]["valid_loss"] < 2.3 < np.log(14)  # uniform: 2.64
    assert rows[-1]["valid_loss"] == pytest.approx(-np.concatenate(first.log_probs(data.valid.documents)).mean())


@pytest.mark.slow
def test_more_restarts_are_never_worse() -> None:
    """Starting points are numbered, so the only one of the first model is also among the six of the second."""
    data = toy.text()
    whole = {"restart_tokens": 10**6, "restart_iterations": 20, "iterations": 1, "pseudo_count": 0.0}
    losses = []
    for restarts in (1, 6):
        model = hmm.fit(params(restarts=restarts, **whole), data, Inputs(), lambda *_, **__: None)
        losses.append(-np.concatenate(model.log_probs(data.train.documents)).mean())
    assert losses[1] < losses[0]


def test_restarts_are_ranked_by_the_objective_after_their_last_step() -> None:
    """Of these two, the second one is better before its last step, and the first one after it."""
    data, settings = toy.text(seed=53), params(restarts=2, restart_iterations=2, iterations=1)
    em = BaumWelch(settings, data.train, data.vocabulary_size)
    ends = []
    for restart in range(2):
        *_, end = em.run(em.initialize(np.random.default_rng([data.seed, restart])), 2)
        ends.append(end)
    first, second = (em.objective(end.model) for end in ends)
    assert second < first
    assert ends[0].objective < ends[1].objective
    best = hmm.fit(settings.model_copy(update={"restart_tokens": 10**6}), data, Inputs(), lambda *_, **__: None)
    expected = next(em.run(ends[0].model, 1)).model
    np.testing.assert_array_equal(best.emission, expected.emission)


@pytest.mark.slow
def test_restarts_hold_two_models(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, expected_counts = [], Trellis.expected_counts

    def counting(self: Trellis, model: Probabilities) -> Counts:
        counts.append(sum(type(one) is Probabilities for one in gc.get_objects()))
        return expected_counts(self, model)

    before = sum(type(one) is Probabilities for one in gc.get_objects())
    monkeypatch.setattr(Trellis, "expected_counts", counting)
    hmm.fit(params(restarts=5, restart_iterations=6, tolerance=0), toy.text(), Inputs(), lambda *_, **__: None)
    assert max(counts) - before == 2


def test_zero_probability_is_minus_infinity_not_nan() -> None:
    model = chain(3, 6, 1)
    model.emission[:, 4] = 0
    model.emission /= model.emission.sum(1, keepdims=True)
    document = np.asarray([3, 4, 5, 4, 4, 2])
    scores = model.log_probs([document, document[2:]])
    assert np.isneginf(scores[0]).tolist() == [False, True, False, True, True, False]
    stepped = log_probs_by_stepping(model, [document, document[2:]])
    for ours, expected in zip(scores, stepped, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-12)
    assert trellis(model, [document]).expected_counts(model.probabilities).log_likelihood == -np.inf


@pytest.mark.slow
def test_without_pseudo_count_an_unseen_token_is_impossible() -> None:
    data = toy.text()
    unseen = toy.VOCABULARY_SIZE  # the toy text does not contain this token
    data = type(data)("toy", unseen + 1, 7, 1, data.streams)
    for pseudo_count, impossible in ((0.0, True), (0.01, False)):
        model = hmm.fit(params(pseudo_count=pseudo_count), data, Inputs(), lambda *_, **__: None)
        scores = model.log_probs([np.asarray([5, unseen, 6])])[0]
        assert np.isneginf(scores).tolist() == [False, impossible, False]
        assert np.exp(model.next_log_probs(model.start())).sum() == pytest.approx(1)


def test_an_impossible_train_split_is_refused() -> None:
    data = toy.text()
    em = BaumWelch(params(), data.train, data.vocabulary_size)
    model = em.initialize(np.random.default_rng(0))
    model.emission[:, 5] = 0
    with pytest.raises(UnrollError, match="pseudo_count"):
        list(em.run(model, 1))


def test_save_and_load_are_exact(tmp_path: Path) -> None:
    model = chain(3, 6, 1)
    model.save(tmp_path)
    loaded = models.load(tmp_path)
    assert loaded.params == model.params
    for name in ("initial", "transition", "emission"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(model, name))


def test_the_number_of_threads_is_restored() -> None:
    before = torch.get_num_threads()
    chain(3, 6, 1).log_probs([np.asarray([2, 3])])
    assert torch.get_num_threads() == before
