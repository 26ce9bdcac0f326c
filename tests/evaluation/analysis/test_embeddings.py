"""Neighbours, analogies and the map, on vectors whose answers are known, against gensim, and on GloVe."""

import os
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from sklearn.decomposition import PCA

from unroll.errors import UnrollError
from unroll.evaluation.analysis import embeddings
from unroll.evaluation.tasks import analogies
from unroll.models.vector_file import model as pretrained
from unroll.report.projection import projection
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.vocabulary import SPECIAL, UNK
from unroll.text.tokenizers.word import WordTokenizer

WORDS = ["paris", "france", "rome", "italy", "oslo", "norway", "cat"]
CAPITALS = [("Paris", "France", "Rome", "Italy"), ("Paris", "France", "Oslo", "Norway"), ("Paris", "France", "x", "y")]
MIRROR = Path(os.environ.get("UNROLL_MIRROR", Path(__file__).parents[3].parent / "shared" / "corpora"))


class Vectors:
    """Country = capital + (0, 0, 0, 1); no vector for the cat."""

    def __init__(self) -> None:
        self.vectors = np.zeros((len(SPECIAL) + len(WORDS), 4), dtype=np.float32)
        for pair in range(3):
            self.vectors[4 + 2 * pair : 6 + 2 * pair, pair] = 1
            self.vectors[5 + 2 * pair, 3] = 1
        self.known = np.asarray([False] * 4 + [True] * 6 + [False])


def data() -> Data:
    streams = {"text": stream_of([np.asarray([4, 10, 5, UNK])], len(WORDS) + len(SPECIAL))}
    return Data("toy", len(WORDS) + len(SPECIAL), 3, 1, {"test": streams})


def test_the_map_is_the_plane_of_largest_variance() -> None:
    vectors = np.random.default_rng(1).normal(size=(20, 5))
    found = embeddings.places(vectors, np.arange(20))
    expected = PCA(n_components=2, svd_solver="full").fit_transform(vectors)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_the_map_of_an_embedding_is_of_words_alone() -> None:
    vectors, words = np.random.default_rng(1).normal(size=(7, 3)), WordTokenizer(["rome", "42", "oslo"], "whitespace")
    found = embeddings.embedding_map(vectors, words)
    assert [token for token, _, _ in found] == ["rome", "oslo"]
    assert found[0][1:] == pytest.approx([-found[1][1], -found[1][2]], abs=1e-4)
    assert embeddings.embedding_map(vectors[:5], WordTokenizer(["rome"], "whitespace")) == []


def test_metrics_and_table(tmp_path: Path) -> None:
    questions = {"capitals": CAPITALS, "none": [("a", "b", "c", "d")]}
    metrics, table = embeddings.evaluate(Vectors(), data(), WordTokenizer(WORDS, "whitespace"), questions)
    assert metrics == {
        "vocabulary_size": 11,
        "dimensions": 4,
        "coverage": pytest.approx(6 / 7),
        "test_coverage": 0.5,
        "analogy_accuracy": 1.0,
        "analogies_covered": 2,
        "analogies": 4,
        "analogies_by_section": {"capitals": 1.0},
    }
    lines = [line.split("\t") for line in table.splitlines()]
    assert [line[0] for line in lines] == ["token", *WORDS[:-1]]
    assert lines[1][3].split()[0] == "france"
    assert all(len(line[3].split()) == 5 for line in lines[1:])  # all others: there are no more than six
    (tmp_path / "table.txt").write_text(table, encoding="utf-8")
    (axes,) = projection(tmp_path / "table.txt", "toy").axes
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [float(line[1]) for line in lines[1:]])
    assert [text.get_text() for text in axes.texts] == WORDS[:-1]


def test_the_map_keeps_what_two_components_can() -> None:
    """Vectors of a plane keep their distances; the components are uncorrelated, the first has the larger variance."""
    generator = np.random.default_rng(1)
    plane = generator.normal(size=(20, 2)) @ np.linalg.qr(generator.normal(size=(5, 2)))[0].T
    found = embeddings.places(plane, np.arange(20))
    np.testing.assert_allclose(distances(found), distances(plane), atol=1e-9)
    covariance = np.cov(found.T)
    assert covariance[0, 1] == pytest.approx(0, abs=1e-12)
    assert covariance[0, 0] > covariance[1, 1]


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points, axis=2)


def test_neighbours_and_answers_are_gensims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    vectors = generator.normal(size=(40, 5)).astype(np.float32)
    words = [f"w{token}" for token in range(40)]
    theirs = KeyedVectors(5)
    theirs.add_vectors(words, vectors)
    unit = embeddings.normalised(vectors)
    near = embeddings.neighbours(unit, np.asarray([3, 17]), np.arange(40), 6)
    for token, row in zip((3, 17), near, strict=True):
        assert [words[other] for other in row] == [word for word, _ in theirs.most_similar(words[token], topn=6)]
    questions = generator.integers(40, size=(300, 3))
    questions = questions[[len(set(row)) == 3 for row in questions.tolist()]]
    expected = [
        theirs.most_similar(positive=[words[b], words[c]], negative=[words[a]], topn=1)[0][0] for a, b, c in questions
    ]
    monkeypatch.setattr(analogies, "CELLS", 40 * 7)  # seven questions at a time
    found = analogies.three_cos_add(unit, np.ones(40, dtype=np.bool_), questions)
    assert [words[answer] for answer in found] == expected


def test_a_broken_file_of_questions_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_text(": capitals\nAthens Greece Oslo Norway\n\nAthens Greece Oslo\n", encoding="utf-8")
    with pytest.raises(UnrollError, match=r"questions\.txt: line 4 has 3 words"):
        analogies.read(path)


@pytest.mark.mirror
@pytest.mark.skipif(not MIRROR.is_dir(), reason="no mirror of the real corpora (UNROLL_MIRROR)")
def test_glove_solves_as_many_as_gensim_finds() -> None:
    """The cut of GloVe that mirrors have: 3,006 of 19,544 questions covered, 0.646 of these right."""
    read = list(pretrained.read(MIRROR / "glove" / "glove.6B.50d.5k.txt"))
    tokens = {word: token for token, (word, _) in enumerate(read)}
    unit = embeddings.normalised(np.stack([vector for _, vector in read]))
    questions = analogies.read(MIRROR / "analogies" / "questions-words.txt")
    total = analogies.total(list(analogies.ask(unit, tokens, questions).values()))
    assert (total.asked, total.covered) == (19_544, 3_006)
    assert total.accuracy == pytest.approx(0.646, abs=0.0005)
