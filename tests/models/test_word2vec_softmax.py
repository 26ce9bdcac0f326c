"""word2vec with a full softmax: its loss and gradients, its windows, and the distribution that it learns."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gensim.models import Word2Vec
from torch import Tensor

from tests import toy
from tests.models.test_word_vectors import WORD2VEC
from unroll import models
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import WordVectors
from unroll.models.base.word_vectors import Model
from unroll.models.word2vec import model as word2vec
from unroll.models.word2vec import softmax
from unroll.models.word2vec.pairs import training_pairs
from unroll.models.word2vec.params import Word2vecParams
from unroll.text.streams import Data, Stream, stream_of
from unroll.text.tokenizers.vocabulary import BOS, FIRST_PREDICTED, PAD

SOFTMAX = WORD2VEC | {
    "objective": "softmax",
    "negative": 0,
    "noise_exponent": 0.0,
    "shrink_windows": False,
    "batch_size": 64,
    "learning_rate": 0.2,
    "final_learning_rate": 0.01,
}
ALGORITHMS = ("cbow", "skip_gram")


def settings(**changes: Any) -> Word2vecParams:
    return Word2vecParams.model_validate(SOFTMAX | changes)


def fit(log: Any = lambda *_, **__: None, **changes: Any) -> Model:
    return word2vec.fit(settings(**changes), toy.text(), Inputs(), log)


def matrices() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    first, second = torch.randn(2, 9, 3, dtype=torch.float64, generator=generator)
    return first.requires_grad_(), second.requires_grad_()


CENTRES = torch.tensor([4, 5, 8, 4])
CONTEXTS = torch.tensor([[-1, 5, 6, 5], [4, 3, -1, -1], [-1, -1, -1, -1], [2, 2, 7, 8]])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_gradients_are_those_of_finite_differences(algorithm: str) -> None:
    first, second = matrices()
    assert torch.autograd.gradcheck(lambda a, b: softmax.nats(algorithm, a, b, CENTRES, CONTEXTS)[0], (first, second))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_loss_is_the_formula_over_all_pairs_of_the_text(algorithm: str) -> None:
    first, second = (matrix.detach() for matrix in matrices())
    text = stream_of([np.asarray(document) for document in ([5, 4, 6], [7], [8, 4, 4, 5, 6, 3])], 9)
    losses = []
    for given, word in training_pairs([document.tolist() for document in text.documents], algorithm, 2):
        p = np.exp(second.numpy() @ first.numpy()[given].mean(0))[FIRST_PREDICTED:]
        losses.append(-np.log(p[word - FIRST_PREDICTED] / p.sum()))
    positions = draw(text, window=2)
    contexts = positions.context(np.arange(len(positions.tokens)), 2)
    nats, pairs = softmax.nats(algorithm, first, second, torch.from_numpy(positions.tokens), torch.from_numpy(contexts))
    assert int(pairs) == len(losses)
    assert float(nats) == pytest.approx(sum(losses))


def draw(text: Stream, keep: float = 1.0, **changes: Any) -> softmax.Positions:
    return softmax.draw_positions(text, np.full(20, keep), settings(**changes), np.random.default_rng(1))


def test_every_position_has_its_whole_window_unless_it_is_shrunk() -> None:
    text = toy.text().train
    whole, shrunk = draw(text, window=4), draw(text, window=4, shrink_windows=True)
    assert set(whole.widths) == {4}
    np.testing.assert_allclose(np.bincount(shrunk.widths)[1:] / len(shrunk.widths), 0.25, atol=0.04)
    rows = np.flatnonzero(shrunk.widths == 2)
    assert ((shrunk.context(rows, 4) != softmax.NONE).sum(1) <= 4).all()


def test_words_that_are_left_out_are_no_context() -> None:
    text = toy.text().train
    positions = draw(text, keep=0.5, window=1)
    assert len(positions.tokens) / text.predicted == pytest.approx(0.5, abs=0.05)
    contexts = positions.context(np.arange(len(positions.tokens)), 1)
    right = np.append(np.diff(positions.documents) == 0, False)  # the next word is one of the same document
    np.testing.assert_array_equal(contexts[right, 1], positions.tokens[1:][right[:-1]])
    assert (contexts[~right, 1] == softmax.NONE).all()


def test_frequent_words_are_left_out_as_often_as_by_gensim() -> None:
    counts = np.asarray([0, 0, 3, 90, 400, 12])
    sentences = [[str(token)] * count for token, count in enumerate(counts.tolist()) if count]
    theirs = Word2Vec(sentences, vector_size=1, min_count=1, sample=0.01, workers=1, epochs=1).wv
    ours = softmax.keep_probabilities(counts, 0.01)
    for token in (2, 3, 4, 5):
        assert theirs.get_vecattr(str(token), "sample_int") / (2**32 - 1) == pytest.approx(ours[token], abs=1e-8)
    assert (softmax.keep_probabilities(counts, 0.0) == 1).all()


def test_skip_gram_learns_the_share_of_each_context_word() -> None:
    """Its loss has one minimum: p(c | w) is the share of c among the context words of w, which is not far from it."""
    data, losses = toy.text(), []
    counts = np.zeros((toy.VOCABULARY_SIZE, toy.VOCABULARY_SIZE))
    for (word,), context in training_pairs([d.tolist() for d in data.train.documents], "skip_gram", 1):
        counts[word, context] += 1
    shares = counts / counts.sum(1, keepdims=True).clip(1)
    entropy = -(counts * np.log(shares, where=shares > 0, out=np.zeros_like(shares))).sum() / counts.sum()
    changes = {"algorithm": "skip_gram", "window": 1, "size": 20, "epochs": 60, "learning_rate": 0.5}

    def log(step: int, **values: float) -> None:
        losses.append(values.get("train_loss", np.nan))

    first = fit(log, matrix="input", **changes).vectors
    second = fit(matrix="output", **changes).vectors
    scores = (first @ second.T)[:, FIRST_PREDICTED:]
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    known = counts.sum(1) > 0
    final = np.nanmin(losses)
    assert entropy <= final < entropy + 0.02
    assert np.abs(p[known] - shares[known][:, FIRST_PREDICTED:]).max() < 0.1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("matrix", ["input", "output"])
def test_satisfies_the_contract_and_is_saved(algorithm: str, matrix: str, tmp_path: Path) -> None:
    rows: list[dict[str, float]] = []
    model = fit(lambda _, **values: rows.append(values), algorithm=algorithm, matrix=matrix)
    assert isinstance(model, WordVectors)
    assert np.flatnonzero(~model.known).tolist() == [PAD, BOS]
    assert not model.vectors[[PAD, BOS]].any()
    model.save(tmp_path)
    loaded = models.load(tmp_path)
    np.testing.assert_array_equal(loaded.vectors, model.vectors)
    assert loaded.params == model.params
    valid = [row["valid_loss"] for row in rows if "valid_loss" in row]
    assert len(valid) == 5
    assert valid[-1] < valid[0] < np.log(toy.VOCABULARY_SIZE - 2)


def test_the_loss_begins_at_that_of_the_uniform_distribution() -> None:
    objective = softmax.Objective(settings(), toy.text())
    first = torch.randn(toy.VOCABULARY_SIZE, 8, generator=torch.Generator().manual_seed(1))
    assert objective(first, torch.zeros_like(first)) == pytest.approx(np.log(toy.VOCABULARY_SIZE - 2), rel=1e-6)


def test_equal_seeds_give_equal_bytes_and_others_do_not() -> None:
    one, two = (fit(shrink_windows=True, subsample=0.05).vectors for _ in range(2))
    assert one.tobytes() == two.tobytes()
    data = toy.text()
    other = word2vec.fit(
        settings(shrink_windows=True, subsample=0.05),
        Data("toy", data.vocabulary_size, 7, 2, data.streams),
        Inputs(),
        lambda *_, **__: None,
    )
    assert not np.array_equal(one, other.vectors)
