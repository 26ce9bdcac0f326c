"""`unroll similar` and `unroll analogy`, on vectors with known answers."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from tests.models.test_word_vectors import WORD2VEC
from tests.trained import Run, save_cleaning
from unroll.models.base.word_vectors import Model
from unroll.params.experiments import VectorsParams
from unroll.text.tokenizers.word import WordTokenizer

WORDS = ["paris", "france", "rome", "italy", "\x1b[31m", "unseen"]


@pytest.fixture(autouse=True)
def _vectors(workspace: Path) -> None:
    folder = workspace / "models" / "vectors"
    if folder.exists():
        return
    folder.mkdir()
    rows = np.zeros((4 + len(WORDS), 3), dtype=np.float32)
    rows[:9] = [[0, 0, 1]] * 4 + [[2, 0, 0], [1, 0, 1], [0, 1, 0], [0, 3, 3], [-1, 0, 0]]
    known = np.arange(len(rows)) < 9
    params: VectorsParams = TypeAdapter(VectorsParams).validate_python(WORD2VEC)
    Model(params, rows, known).save(folder)
    WordTokenizer(WORDS, "whitespace").save(folder / "tokenizer.json")
    save_cleaning(folder)


def test_neighbours(unroll: Run) -> None:
    result = unroll("similar", "vectors", "Paris", "--count", "9")
    assert result.code == 0, result.err
    assert result.out.splitlines() == ["0.7071\tfrance", "0.0000\trome", "0.0000\titaly", "-1.0000\t\\x1b[31m"]


def test_analogy(unroll: Run) -> None:
    """france - paris + rome = (1, 0, 1)/sqrt 2 - (1, 0, 0) + (0, 1, 0); italy is (0, 1, 1)/sqrt 2."""
    wanted, italy = np.asarray([0.5**0.5 - 1, 1, 0.5**0.5]), np.asarray([0, 1, 1]) / 2**0.5
    result = unroll("analogy", "vectors", "paris", "france", "rome", "--count", "1", "--json")
    assert json.loads(result.out) == {
        "word": "italy",
        "cosine": pytest.approx(wanted @ italy / (wanted @ wanted) ** 0.5),
    }


@pytest.mark.parametrize("word", ["unseen", "absent", "paris rome", ""])
def test_a_word_without_a_vector_is_refused(unroll: Run, word: str) -> None:
    result = unroll("similar", "vectors", word)
    assert result.code == 1
    assert result.err == f"unroll: models/vectors: has no vector of {word!r}; give one word of its vocabulary\n"


def test_only_models_with_vectors_are_supported(unroll: Run) -> None:
    assert "trigram: does not have word vectors; it supports: score" in unroll("similar", "trigram", "the").err
    Path("lines.txt").write_text("paris\n", encoding="utf-8")
    assert "vectors: does not score; it supports: similar, analogy\n" in unroll("score", "vectors", "lines.txt").err
