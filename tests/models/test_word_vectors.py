"""Families word2vec and vector_file: vectors that are learned, read or filled in, and their reproducibility."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gensim.models import KeyedVectors
from pydantic import TypeAdapter, ValidationError

from tests import toy
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base import word_vectors
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import LanguageModel, WordVectors
from unroll.models.vector_file import model as vector_file
from unroll.models.vector_file.params import VectorFileParams
from unroll.models.word2vec import model as word2vec
from unroll.models.word2vec.negative_sampling import MAX_SENTENCE, Objective, Sentences
from unroll.models.word2vec.pairs import training_pairs
from unroll.models.word2vec.params import Word2vecParams
from unroll.params.experiments import VectorsParams
from unroll.params.word_vectors import OMITTED, with_omitted
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD, SPECIAL, UNK

SHARED = {"tokenizer": "toy", "oov_init": "zeros", "analogies": "none"}
WORD2VEC = SHARED | {
    "family": "word2vec",
    "algorithm": "skip_gram",
    "objective": "negative_sampling",
    "matrix": "input",
    "size": 8,
    "window": 2,
    "shrink_windows": True,
    "negative": 3,
    "noise_exponent": 0.75,
    "subsample": 0.0,
    "epochs": 5,
    "batch_size": 1,
    "learning_rate": 0.05,
    "final_learning_rate": 0.001,
}
VECTOR_FILE = SHARED | {"family": "vector_file", "keep": "vocabulary"}
WORDS = [*SPECIAL, "the", "cat", "new york", "dog"]
GLOVE = "the 1 0.5\ncat -2 0\nnew york 0.25 4\nthe 9 9\n"


def train(**changes: Any) -> word_vectors.Model:
    params = TypeAdapter(VectorsParams).validate_python(WORD2VEC | changes)
    assert isinstance(params, Word2vecParams)
    return word2vec.fit(params, toy.text(), Inputs(), lambda *_, **__: None)


@dataclass(frozen=True)
class VocabularyInputs(Inputs):
    """Inputs with a tokenizer of WORDS."""

    def tokenizer(self, name: str) -> Any:
        return SimpleNamespace(vocabulary_size=len(WORDS), id_to_token=WORDS.__getitem__)


def read(file: Path, content: str, oov_init: str = "zeros", keep: str = "vocabulary") -> word_vectors.Model:
    file.write_text(content, encoding="utf-8")
    source = {"source": "path", "path": str(file), "sha256": hashlib.sha256(content.encode()).hexdigest()}
    params = VectorFileParams.model_validate(VECTOR_FILE | {"file": source, "oov_init": oov_init, "keep": keep})
    streams = {"text": stream_of([np.asarray([4, 5])], len(WORDS))}
    data = Data("toy", len(WORDS), 2, 1, {split: streams for split in ("train", "valid", "test")})
    return vector_file.fit(params, data, VocabularyInputs(), lambda *_, **__: None)


@pytest.mark.parametrize("algorithm", ["cbow", "skip_gram"])
@pytest.mark.parametrize("matrix", ["input", "output"])
def test_satisfies_the_contract_and_is_saved(algorithm: str, matrix: str, tmp_path: Path) -> None:
    model = train(algorithm=algorithm, matrix=matrix)
    assert isinstance(model, WordVectors)
    assert not isinstance(model, LanguageModel)
    assert model.vectors.shape == (toy.VOCABULARY_SIZE, 8)
    assert np.flatnonzero(~model.known).tolist() == [PAD, BOS]
    assert not model.vectors[[PAD, BOS]].any()
    assert model.vectors[[EOS, UNK]].any()
    model.save(tmp_path)
    loaded = models.load(tmp_path)
    np.testing.assert_array_equal(loaded.vectors, model.vectors)
    np.testing.assert_array_equal(loaded.known, model.known)
    assert loaded.params == model.params


@pytest.mark.parametrize("algorithm", ["cbow", "skip_gram"])
def test_the_matrices_are_the_two_layers_of_one_network(algorithm: str) -> None:
    """In the toy text word w is followed by w + 1, so W2 of w + 1 has a larger product with W1 of w than other rows."""
    first = train(algorithm=algorithm, matrix="input", window=1, epochs=20).vectors[4:]
    second = train(algorithm=algorithm, matrix="output", window=1, epochs=20).vectors[4:]
    scores = first @ second.T
    near = np.asarray([scores[w, (w + 1) % toy.WORDS] for w in range(toy.WORDS)])
    far = np.asarray([scores[w, (w + 7) % toy.WORDS] for w in range(toy.WORDS)])
    assert near.mean() > far.mean() + 1


@pytest.mark.parametrize("algorithm", ["cbow", "skip_gram"])
def test_the_loss_begins_at_chance_level_and_falls(algorithm: str) -> None:
    """W2 is zero before training, so each of the 1 + K decisions costs log 2."""
    params = Word2vecParams.model_validate(WORD2VEC | {"algorithm": algorithm, "window": 1})
    data, rows = toy.text(), []
    objective = Objective(params, data)
    first = np.random.default_rng(1).normal(size=(toy.VOCABULARY_SIZE, 8))
    assert objective(first, np.zeros_like(first)) == pytest.approx(4 * np.log(2))
    word2vec.fit(params, data, Inputs(), lambda step, **values: rows.append(values["valid_loss"]))
    assert len(rows) == 5
    assert rows[-1] < rows[0] < 4 * np.log(2) + 0.01


def test_pairs_of_a_window() -> None:
    assert list(training_pairs([[5, 6, 7], [8]], "skip_gram", 1)) == [([5], 6), ([6], 5), ([6], 7), ([7], 6)]
    assert list(training_pairs([[5, 6, 7], [8]], "cbow", 2)) == [([6, 7], 5), ([5, 7], 6), ([5, 6], 7)]


def test_the_loss_is_the_formula() -> None:
    params = Word2vecParams.model_validate(WORD2VEC | {"algorithm": "cbow"})
    objective = Objective(params, toy.text())
    first, second = np.random.default_rng(3).normal(size=(2, toy.VOCABULARY_SIZE, 8))
    losses = []
    for given, predicted, noise in zip(objective.given, objective.predicted, objective.noise, strict=True):
        h = first[[word for word in given if word >= 0]].mean(0)
        decisions = [second[predicted] @ h, *(-second[word] @ h for word in noise)]
        losses.append(sum(np.log1p(np.exp(-decision)) for decision in decisions))
    assert objective(first, second) == pytest.approx(np.mean(losses))


@pytest.mark.slow
def test_other_processes_give_the_same_vectors_whatever_their_hash_seed() -> None:
    code = (
        "from tests.models.test_word_vectors import train; import hashlib;"
        "print(hashlib.sha256(train(subsample=0.01).vectors.tobytes()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(path for path in sys.path if path) + ":."},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == 64


def test_documents_that_are_too_long_for_gensim_are_cut_not_dropped() -> None:
    data = toy.text()
    long = np.concatenate(data.train.documents * 12)
    assert len(long) > MAX_SENTENCE
    streams = {"train": {"text": stream_of([long], toy.VOCABULARY_SIZE)}}
    sentences = list(Sentences(Data("toy", toy.VOCABULARY_SIZE, 7, 1, streams)))
    assert max(map(len, sentences)) == MAX_SENTENCE
    assert np.concatenate(sentences).tolist() == [*long.tolist(), EOS]


# gensim does not close the file
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_reads_glove_and_word2vec_as_gensim_does(tmp_path: Path) -> None:
    content = "the 1 0.5\ncat -2e-1 0\n"
    for text, header in ((content, False), (f"2 2\n{content}", True)):
        (tmp_path / "vectors.txt").write_text(text, encoding="utf-8")
        theirs = KeyedVectors.load_word2vec_format(tmp_path / "vectors.txt", no_header=not header)
        ours = dict(vector_file.read_vectors(tmp_path / "vectors.txt"))
        assert list(ours) == theirs.index_to_key
        for word, vector in ours.items():
            np.testing.assert_array_equal(vector, theirs[word])


def test_the_first_of_two_vectors_of_a_word_is_used(tmp_path: Path) -> None:
    model = read(tmp_path / "vectors.txt", GLOVE)
    assert model.vectors[4:].tolist() == [[1, 0.5], [-2, 0], [0.25, 4], [0, 0]]
    assert model.known.tolist() == [False] * 4 + [True, True, True, False]


def test_a_word_without_a_vector_is_filled_in_by_oov_init(tmp_path: Path) -> None:
    known = np.asarray([[1, 0.5], [-2, 0], [0.25, 4]])
    np.testing.assert_allclose(read(tmp_path / "a", GLOVE, "mean").vectors[7], known.mean(0), rtol=1e-6)
    drawn = [read(tmp_path / "a", GLOVE, "normal").vectors for _ in range(2)]
    np.testing.assert_array_equal(*drawn)
    assert len(np.unique(drawn[0][[PAD, BOS, EOS, UNK, 7]])) == 10
    np.testing.assert_array_equal(drawn[0][4:7], known.astype(np.float32))
    many = word_vectors.fill_missing(np.vstack([known, np.zeros((9997, 2))]), np.arange(10_000) < 3, "normal", seed=1)[
        3:
    ]
    np.testing.assert_allclose(many.mean(0), known.mean(0), atol=0.1)
    np.testing.assert_allclose(many.std(0), known.std(0), atol=0.1)


def test_words_beyond_the_vocabulary_are_kept_on_request_and_saved(tmp_path: Path) -> None:
    content = GLOVE + "paris 3 4\nsan josé 5 6\nparis 7 8\n"
    model = read(tmp_path / "vectors.txt", content, keep="all")
    assert model.other_words == ["paris", "san josé"]
    np.testing.assert_array_equal(model.other_vectors, [[3, 4], [5, 6]])
    assert model.parameters == 5 * 2
    model.save(tmp_path)
    loaded = models.load(tmp_path)
    assert loaded.params == model.params
    assert loaded.other_words == model.other_words
    np.testing.assert_array_equal(loaded.other_vectors, model.other_vectors)
    usual = read(tmp_path / "vectors.txt", content)
    np.testing.assert_array_equal(usual.vectors, model.vectors)
    assert len(usual.other_words) == 0
    assert usual.other_vectors.shape == (0, 2)


def test_a_saved_model_omits_the_settings_that_earlier_releases_did_not_have() -> None:
    """So its bytes, and the hash of its settings, are those of earlier releases."""
    adapter: TypeAdapter[VectorsParams] = TypeAdapter(VectorsParams)
    source = {"source": "path", "path": "a", "sha256": ""}
    for settings in (WORD2VEC, VECTOR_FILE | {"file": source}):
        omitted = OMITTED[str(settings["family"])]
        dumped = adapter.validate_python(settings).model_dump()
        assert dumped.keys() == settings.keys() - omitted.keys()
        assert with_omitted(dumped) == settings
        with pytest.raises(ValidationError, match="Field required"):
            adapter.validate_python(dumped)
    changed = {"objective": "softmax", "negative": 0, "noise_exponent": 0.0, "shrink_windows": False, "batch_size": 9}
    assert adapter.validate_python(WORD2VEC | changed).model_dump() == WORD2VEC | changed


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("the 1 2\ncat 1\n", "line 2: is not a word and 2 numbers"),
        ("the 1 2\ncat x 2\n", "line 2: is not a word and 2 numbers"),
        ("the 1 2\ncat nan 2\n", "line 2: is not a word and 2 numbers"),
        ("2 3\nthe 1 2 3\ncat 1 2\n", "line 3: is not a word and 3 numbers"),
        ("<html>\n", "line 1: is not a word and 1 numbers"),
        ("", "has no vectors"),
        ("3 2\n", "has no vectors"),
    ],
)
def test_a_broken_file_names_the_line(content: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UnrollError, match=sentence):
        read(tmp_path / "vectors.txt", content)


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vectors.bin").write_bytes(b"2 2\nthe \xff\xfe\x80\x81")
    with pytest.raises(UnrollError, match=r"vectors\.bin: line 2: byte 0xff at column 5 is not UTF-8"):
        list(vector_file.read_vectors(tmp_path / "vectors.bin"))


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfthe 1 2\nnew york 3 4\n",
        b"\xef\xbb\xbf2 2\nthe 1 2\nnew york 3 4\n",
        b"the 1 2\rnew york 3 4\r",
        b"the 1 2\r\nnew york 3 4\r\n",
        b"the\t1\t2\nnew york\t3\t4\n",
        b"the 1 2 \nnew york 3 4 \n\n",
        b"2 2\n\nthe 1 2\nnew york 3 4\n \n",
        b"the 1 2\nnew york 3 4",
    ],
)
def test_marks_and_ends_of_lines_are_no_part_of_words(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_bytes(content)
    rows = [(word, vector.tolist()) for word, vector in vector_file.read_vectors(tmp_path / "vectors.txt")]
    assert rows == [("the", [1, 2]), ("new york", [3, 4])]


@pytest.mark.parametrize("header", ["", "3 2\n"])
def test_the_first_word_may_have_spaces(header: str, tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text(f"{header}. . . 1 2\nroute 66 3 4\n\u00a0 5 6\n", encoding="utf-8")
    rows = [(word, vector.tolist()) for word, vector in vector_file.read_vectors(tmp_path / "vectors.txt")]
    assert rows == [(". . .", [1, 2]), ("route 66", [3, 4]), ("\u00a0", [5, 6])]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"the 1 2\nc\xe9t 1 2\n", r"line 2: byte 0xe9 at column 2 is not UTF-8"),
        (b"3 2\nthe 1 2\ncat 3 4\n", r"has 2 vectors, and its first line says 3; it is cut short"),
        (b"the 1 2\ncat 1_0 2\n", r"line 2: is not a word and 2 numbers"),
        ("the 1 2\ncat ١ ٢\n".encode(), r"line 2: is not a word and 2 numbers"),
        (b"the 1 2\ncat 1e39 2\n", r"line 2: has a number that is too large"),
    ],
)
def test_a_faulty_line_of_vectors_is_named(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_bytes(content)
    with pytest.raises(UnrollError, match=words):
        list(vector_file.read_vectors(tmp_path / "vectors.txt"))
