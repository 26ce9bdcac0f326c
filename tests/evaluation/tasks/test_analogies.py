"""Analogy questions: known answers, agreement with gensim, and the answers of GloVe."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors

from tests.evaluation.analysis.test_embeddings import WORDS, Vectors, data
from tests.evaluation.subjects import subject
from unroll.errors import UnrollError
from unroll.evaluation.analysis import embeddings
from unroll.evaluation.evaluate import evaluate
from unroll.evaluation.tasks import analogies
from unroll.models.vector_file import model as vector_file
from unroll.params.word_vectors import PathFile
from unroll.text.tokenizers.word import WordTokenizer

QUESTIONS = """: capitals
Paris France Rome Italy
Paris France Oslo Norway
Paris France x y

: none
a b c d
"""
MIRROR = Path(os.environ.get("UNROLL_MIRROR", Path(__file__).parents[3].parent / "shared" / "corpora"))


def test_word_vectors_answer_the_questions_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_text(QUESTIONS, encoding="utf-8")
    file = PathFile(source="path", path=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    evaluated = replace(subject(Vectors(file), data()), tokenizer=WordTokenizer(WORDS, "whitespace"))
    assert evaluate(evaluated).metrics == {
        "vocabulary_size": 11,
        "dimensions": 4,
        "coverage": pytest.approx(6 / 7),
        "test_coverage": 0.5,
        "analogy_accuracy": 1.0,
        "analogies_covered": 2,
        "analogies": 4,
        "analogies_by_section": {"capitals": 1.0},
        "context_accuracy": {"1-9": 0.5},
    }


def test_words_beyond_the_vocabulary_are_asked_and_are_answers(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_text(": capitals\nParis France Athens Greece\nAthens Greece Paris France\n", encoding="utf-8")
    model = Vectors(PathFile(source="path", path=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    model.other_words = ["athens", "greece"]
    model.other_vectors = np.asarray([[1, 1, -1, 0], [1, 1, -1, 1]], dtype=np.float32)
    found = analogies.measure(replace(subject(model, data()), tokenizer=WordTokenizer(WORDS, "whitespace")))
    assert found is not None
    assert found.metrics["analogies_covered"] == 2
    assert found.metrics["analogy_accuracy"] == 1.0


def test_word_vectors_without_questions_have_no_analogies() -> None:
    assert analogies.measure(subject(Vectors(), data())) is None


def test_answers_are_those_of_gensim(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    vectors = generator.normal(size=(40, 5)).astype(np.float32)
    words = [f"w{token}" for token in range(40)]
    theirs = KeyedVectors(5)
    theirs.add_vectors(words, vectors)
    questions = generator.integers(40, size=(300, 3))
    questions = questions[[len(set(row)) == 3 for row in questions.tolist()]]
    expected = [
        theirs.most_similar(positive=[words[b], words[c]], negative=[words[a]], topn=1)[0][0] for a, b, c in questions
    ]
    monkeypatch.setattr(analogies, "MAX_COSINES", 40 * 7)  # seven questions at a time
    answers = analogies.three_cos_add(embeddings.unit_vectors(vectors), np.ones(40, dtype=np.bool_), questions)
    assert [words[answer] for answer in answers] == expected


def test_a_damaged_file_of_questions_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_text(": capitals\nAthens Greece Oslo Norway\n\nAthens Greece Oslo\n", encoding="utf-8")
    with pytest.raises(UnrollError, match=r"questions\.txt: line 4 has 3 words"):
        analogies.read(path)


@pytest.mark.mirror
@pytest.mark.skipif(not MIRROR.is_dir(), reason="no mirror of the real corpora (UNROLL_MIRROR)")
def test_glove_solves_as_many_as_gensim_finds() -> None:
    """The part of GloVe in the mirrors covers 3,006 of 19,544 questions and answers 0.646 of these correctly."""
    read = list(vector_file.read_vectors(MIRROR / "glove" / "glove.6B.50d.5k.txt"))
    tokens = {word: token for token, (word, _) in enumerate(read)}
    unit = embeddings.unit_vectors(np.stack([vector for _, vector in read]))
    questions = analogies.read(MIRROR / "analogies" / "questions-words.txt")
    total = analogies.add(list(analogies.answer(unit, tokens, questions).values()))
    assert (total.questions, total.covered) == (19_544, 3_006)
    assert total.accuracy == pytest.approx(0.646, abs=0.0005)
