"""Family glove: co-occurrences, the objective and its steps against a plain reference, and the contract."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests import toy
from tests.models import glove_reference as reference
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import LanguageModel, WordVectors
from unroll.models.base.word_vectors import Model
from unroll.models.glove import model as glove
from unroll.models.glove.cooccurrence import count
from unroll.models.glove.params import GloveParams
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD

SETTINGS = {
    "family": "glove",
    "tokenizer": "toy",
    "oov_init": "zeros",
    "analogies": "none",
    "size": 5,
    "window": 3,
    "symmetric": True,
    "x_max": 20.0,
    "alpha": 0.75,
    "matrix": "sum",
    "epochs": 3,
    "batch_size": 8,
    "learning_rate": 0.05,
}


def settings(**changes: Any) -> GloveParams:
    return GloveParams.model_validate(SETTINGS | changes)


def fit(log: Any = lambda *_, **__: None, data: Data | None = None, **changes: Any) -> Model:
    return glove.fit(settings(**changes), data or toy.text(), Inputs(), log)


def test_a_word_at_distance_d_counts_one_over_d() -> None:
    """`<eos>` (2) ends a document and is a word of it; the next document is no context."""
    found = count(stream_of([np.asarray([5, 6, 5]), np.asarray([7])], 9), 9, window=2, symmetric=False)
    pairs = dict(zip(zip(found.words.tolist(), found.contexts.tolist(), strict=True), found.counts, strict=True))
    assert pairs == {(6, 5): 1, (5, 6): 1, (5, 5): 0.5, (EOS, 5): 1, (EOS, 6): 0.5, (EOS, 7): 1}


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("window", [1, 4, 100])
def test_counts_are_those_of_the_reference(window: int, symmetric: bool) -> None:
    text = toy.text().train
    found = count(text, toy.VOCABULARY_SIZE, window, symmetric)
    expected = reference.count([document.tolist() for document in text.documents], window, symmetric)
    pairs = list(zip(found.words.tolist(), found.contexts.tolist(), strict=True))
    assert pairs == sorted(expected)
    np.testing.assert_allclose(found.counts, [expected[pair] for pair in pairs], rtol=1e-12)


def test_weights_grow_to_one() -> None:
    counts = np.asarray([0.25, 10.0, 20.0, 500.0])
    expected = [reference.weight(x, 20.0, 0.75) for x in counts]
    np.testing.assert_allclose(glove.weights(counts, 20.0, 0.75), expected)
    assert expected[2:] == [1, 1]
    assert expected[0] < expected[1] < 1


def parameters(vocabulary_size: int, size: int) -> reference.Parameters:
    """The initial values, in the names of the reference."""
    words, contexts = (values.astype(np.float64) for values in glove.initialize(vocabulary_size, size, seed=1))
    vectors = {"words": words[:, :-1].copy(), "contexts": contexts[:, :-1].copy()}
    return vectors | {"word_bias": words[:, -1:].copy(), "context_bias": contexts[:, -1:].copy()}


def test_the_gradients_of_the_reference_are_those_of_finite_differences() -> None:
    at, (i, j, x) = parameters(6, 4), (2, 5, 7.0)
    for name, gradient in reference.gradients(at, i, j, x, 20.0, 0.75).items():
        row = i if name.startswith("word") else j
        for column in range(len(gradient)):
            ends = []
            for step in (1e-6, -2e-6):
                at[name][row, column] += step
                ends.append(reference.term(at, i, j, x, 20.0, 0.75) / 2)
            at[name][row, column] += 1e-6
            assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(gradient[column], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("matrix", ["word", "sum"])
def test_training_is_that_of_the_reference(matrix: str) -> None:
    """With batches of one pair, in the same order and from the same initial values."""
    data, params = toy.text(), settings(batch_size=1, epochs=2, learning_rate=0.1, matrix=matrix)
    pairs = count(data.train, data.vocabulary_size, params.window, params.symmetric)
    at = parameters(data.vocabulary_size, params.size)
    squares = {name: np.zeros_like(value) for name, value in at.items()}
    means = []
    for epoch in range(params.epochs):
        terms = []
        for row in np.random.default_rng([data.seed, epoch]).permutation(len(pairs.counts)):
            pair = int(pairs.words[row]), int(pairs.contexts[row]), float(pairs.counts[row])
            terms.append(reference.term(at, *pair, params.x_max, params.alpha))
            reference.step(at, squares, *pair, params.x_max, params.alpha, params.learning_rate)
        means.append(np.mean(terms))
    losses: list[float] = []
    model = glove.fit(params, data, Inputs(), lambda _, **values: losses.append(values["train_loss"]))
    assert losses == pytest.approx(means, rel=1e-4)
    expected = at["words"] + at["contexts"] if matrix == "sum" else at["words"]
    np.testing.assert_allclose(model.vectors[EOS:], expected[EOS:], rtol=1e-3, atol=1e-5)


def test_the_gradients_of_a_batch_are_added() -> None:
    """And the row of a word that is twice in the batch changes once, by the sum."""
    table = glove.Table(np.ones((4, 3), dtype=np.float32), rate=0.5)
    rows, values, places = table.take(torch.tensor([2, 1, 2]))
    assert rows.tolist() == [1, 2]
    (gradient,) = torch.autograd.grad((values[places] * torch.tensor([[1.0], [2.0], [3.0]])).sum(), values)
    assert gradient.tolist() == [[2] * 3, [4] * 3]
    table.step(rows, gradient)
    table.step(rows, gradient)
    expected = [1 - g / (4 + g**2) ** 0.5 - g / (4 + 2 * g**2) ** 0.5 for g in (2, 4)]
    np.testing.assert_allclose(table.values, [[1] * 3, [expected[0]] * 3, [expected[1]] * 3, [1] * 3], rtol=1e-6)


def test_vectors_of_many_dimensions_reproduce_the_co_occurrences() -> None:
    """With as many dimensions as words, J is 0 where every product and its biases are log X."""
    losses: list[float] = []
    fit(lambda _, **values: losses.append(values["train_loss"]), size=toy.VOCABULARY_SIZE, epochs=150)
    assert losses[-1] < losses[0] / 200
    assert losses[-1] < 0.01


def test_satisfies_the_contract_and_is_saved(tmp_path: Path) -> None:
    model = fit()
    assert isinstance(model, WordVectors)
    assert not isinstance(model, LanguageModel)
    assert model.vectors.shape == (toy.VOCABULARY_SIZE, 5)
    assert np.flatnonzero(~model.known).tolist() == [PAD, BOS]
    assert not model.vectors[[PAD, BOS]].any()
    assert model.parameters == 14 * 5
    model.save(tmp_path)
    loaded = models.load(tmp_path)
    np.testing.assert_array_equal(loaded.vectors, model.vectors)
    assert loaded.params == model.params
    assert fit().vectors.tobytes() == model.vectors.tobytes()


def test_a_text_without_two_words_in_a_document_is_refused() -> None:
    stream = {"text": stream_of([np.asarray([], dtype=np.int64)] * 3, 9)}
    data = Data("toy", 9, 1, 1, dict.fromkeys(("train", "valid", "test"), stream))
    with pytest.raises(UnrollError, match=r"the train split of tokenizers\.toy has no two words in a document"):
        fit(data=data)


def test_a_training_that_diverges_names_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glove, "weights", lambda counts, x_max, alpha: np.full(len(counts), np.inf))
    with pytest.raises(UnrollError, match=r"not finite in epoch 1; lower learning_rate \(it is 0\.05\) or batch_size"):
        fit()
