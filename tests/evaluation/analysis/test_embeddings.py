"""Coverage, neighbours and the map of vectors whose answers are known, and agreement with gensim."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors
from sklearn.decomposition import PCA

from unroll.evaluation.analysis import embeddings
from unroll.report.figures import draw_projection
from unroll.report.maps import parse_places
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.vocabulary import SPECIAL, UNK
from unroll.text.tokenizers.word import WordTokenizer

WORDS = ["paris", "france", "rome", "italy", "oslo", "norway", "cat"]


class Vectors:
    """Country = capital + (0, 0, 0, 1); no vector for the cat."""

    def __init__(self, analogies: Any = "none") -> None:
        self.vectors = np.zeros((len(SPECIAL) + len(WORDS), 4), dtype=np.float32)
        for pair in range(3):
            self.vectors[4 + 2 * pair : 6 + 2 * pair, pair] = 1
            self.vectors[5 + 2 * pair, 3] = 1
        self.known = np.asarray([False] * 4 + [True] * 6 + [False])
        self.other_words, self.other_vectors = [], np.zeros((0, 4), dtype=np.float32)
        self.params = SimpleNamespace(analogies=analogies)


def data() -> Data:
    streams = {"text": stream_of([np.asarray([4, 10, 5, UNK])], len(WORDS) + len(SPECIAL))}
    return Data("toy", len(WORDS) + len(SPECIAL), 3, 1, {"train": streams, "valid": streams, "test": streams})


def test_the_map_is_the_plane_of_largest_variance() -> None:
    vectors = np.random.default_rng(1).normal(size=(20, 5))
    points = embeddings.principal_components(vectors, np.arange(20))
    expected = PCA(n_components=2, svd_solver="full").fit_transform(vectors)
    np.testing.assert_allclose(points, expected, atol=1e-12)


def test_the_map_of_an_embedding_shows_only_words() -> None:
    vectors, words = np.random.default_rng(1).normal(size=(7, 3)), WordTokenizer(["rome", "42", "oslo"], "whitespace")
    points = embeddings.embedding_map(vectors, words)
    assert [token for token, _, _ in points] == ["rome", "oslo"]
    assert points[0][1:] == pytest.approx([-points[1][1], -points[1][2]], abs=1e-4)
    assert embeddings.embedding_map(vectors[:5], WordTokenizer(["rome"], "whitespace")) == []


def test_metrics_and_table() -> None:
    metrics, table = embeddings.evaluate(Vectors(), data(), WordTokenizer(WORDS, "whitespace"))
    assert metrics == {
        "vocabulary_size": 11,
        "dimensions": 4,
        "coverage": pytest.approx(6 / 7),
        "test_coverage": 0.5,
    }
    lines = [line.split("\t") for line in table.splitlines()]
    assert [line[0] for line in lines] == ["token", *WORDS[:-1]]
    assert lines[1][3].split()[0] == "france"
    assert all(len(line[3].split()) == 5 for line in lines[1:])  # the six tokens with a vector have five others
    (axes,) = draw_projection(parse_places(table), "toy").axes
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [float(line[1]) for line in lines[1:]])
    assert [text.get_text() for text in axes.texts] == WORDS[:-1]


def test_the_map_keeps_what_two_components_can() -> None:
    """Vectors of a plane keep their distances; the components are uncorrelated, the first has the larger variance."""
    generator = np.random.default_rng(1)
    plane = generator.normal(size=(20, 2)) @ np.linalg.qr(generator.normal(size=(5, 2)))[0].T
    points = embeddings.principal_components(plane, np.arange(20))
    np.testing.assert_allclose(distances(points), distances(plane), atol=1e-9)
    covariance = np.cov(points.T)
    assert covariance[0, 1] == pytest.approx(0, abs=1e-12)
    assert covariance[0, 0] > covariance[1, 1]


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points, axis=2)


def test_neighbours_are_those_of_gensim() -> None:
    vectors = np.random.default_rng(2).normal(size=(40, 5)).astype(np.float32)
    words = [f"w{token}" for token in range(40)]
    theirs = KeyedVectors(5)
    theirs.add_vectors(words, vectors)
    near = embeddings.nearest_neighbours(embeddings.unit_vectors(vectors), np.asarray([3, 17]), np.arange(40), 6)
    for token, row in zip((3, 17), near, strict=True):
        assert [words[other] for other in row] == [word for word, _ in theirs.most_similar(words[token], topn=6)]
