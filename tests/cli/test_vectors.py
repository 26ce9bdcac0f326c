"""The verbs of word vectors, on vectors with known answers, and of words in context."""

import json
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from pydantic import TypeAdapter
from scipy.stats import spearmanr

import unroll as package
from tests.models.test_word_vectors import VECTOR_FILE, WORD2VEC
from tests.trained import Run, save_cleaning
from unroll.models.base.word_vectors import Model
from unroll.params.experiments import VectorsParams
from unroll.text.tokenizers.word import WordTokenizer

WORDS = ["paris", "france", "rome", "italy", "\x1b[31m", "unseen"]
FILE = {"file": {"source": "path", "path": "a", "sha256": ""}}
PAIRS = "paris\tfrance\t8\nrome\titaly\t9.5\nparis\tabsent\t1\nparis\trome\t2\nfrance\titaly\t3\nfrance\trome\t1\n"


@pytest.fixture(autouse=True)
def _vectors(workspace: Path) -> None:
    save_vectors(workspace)


def save_vectors(workspace: Path) -> None:
    """Save `vectors`, of a vocabulary, and `read`, with two words beyond it."""
    if (workspace / "models" / "vectors").exists():
        return
    rows = np.zeros((4 + len(WORDS), 3), dtype=np.float32)
    rows[:9] = [[0, 0, 1]] * 4 + [[2, 0, 0], [1, 0, 1], [0, 1, 0], [0, 3, 3], [-1, 0, 0]]
    known = np.arange(len(rows)) < 9
    adapter: TypeAdapter[VectorsParams] = TypeAdapter(VectorsParams)
    beyond = np.asarray([[0, -1, 0], [0, -1, 1]], dtype=np.float32)
    read = adapter.validate_python(VECTOR_FILE | FILE | {"keep": "all"})
    save(workspace, "vectors", Model(adapter.validate_python(WORD2VEC), rows, known))
    save(workspace, "usual", Model(adapter.validate_python(VECTOR_FILE | FILE), rows, known))
    save(workspace, "read", Model(read, rows, known, ["athens", "new york"], beyond))


def save(workspace: Path, name: str, model: Model) -> None:
    folder = workspace / "models" / name
    folder.mkdir()
    model.save(folder)
    WordTokenizer(WORDS, "whitespace").save(folder / "tokenizer.json")
    save_cleaning(folder)


def test_neighbours(unroll: Run) -> None:
    result = unroll("similar", "vectors", "Paris", "--count", "9")
    assert result.code == 0, result.err
    assert result.out.splitlines() == ["0.7071\tfrance", "0.0000\trome", "0.0000\titaly", "-1.0000\t\\x1b[31m"]


def test_neighbours_by_euclidean_distance(unroll: Run) -> None:
    result = unroll("similar", "vectors", "Paris", "--distance", "euclidean")
    assert result.out.splitlines() == ["1.4142\tfrance", "2.2361\trome", "3.0000\t\\x1b[31m", "4.6904\titaly"]
    result = unroll("similar", "vectors", "paris", "--distance", "euclidean", "--count", "1", "--json")
    assert json.loads(result.out) == {"word": "france", "euclidean": pytest.approx(2**0.5)}
    result = unroll("similar", "vectors", "paris", "--distance", "manhattan")
    assert result.err == "unroll: there is no distance manhattan; choose one of cosine, euclidean\n"


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
    remedy = "give one word of its vocabulary, or set keep: all in its entry of params.yaml"
    assert unroll("similar", "usual", word).err == f"unroll: models/usual: has no vector of {word!r}; {remedy}\n"


def test_words_beyond_the_vocabulary_are_found_and_are_neighbours(unroll: Run) -> None:
    assert unroll("similar", "read", "Athens", "--count", "1").out == "0.7071\tnew york\n"
    assert unroll("similar", "read", "new york", "--count", "1").out == "0.7071\tathens\n"
    result = unroll("analogy", "read", "athens", "new york", "paris", "--count", "1")
    assert result.out.split("\t")[1] == "france\n"
    assert unroll("similar", "read", "unseen").code == 1


def test_only_models_with_vectors_are_supported(unroll: Run) -> None:
    for arguments in (("similar", "trigram", "the"), ("similarity", "trigram", "-")):
        assert "trigram: does not have word vectors; it supports: score" in unroll(*arguments).err
    Path("lines.txt").write_text("paris\n", encoding="utf-8")
    found = unroll("score", "vectors", "lines.txt").err
    assert "vectors: does not score; it supports: similar, analogy, similarity\n" in found
    for name in ("trigram", "bayes", "vectors"):
        assert f"{name}: does not have contextual vectors; it supports: " in unroll("vectors", name, "-").err


def test_similarity_is_spearmans_rank_correlation(unroll: Run) -> None:
    result = unroll("similarity", "vectors", "-", text=PAIRS)
    cosines, scores = [0.5**0.5, 0.5**0.5, 0, 0.5, 0], [8, 9.5, 2, 3, 1]
    r = spearmanr(cosines, scores).statistic
    assert result.code == 0, result.err
    value, name, rest = result.out.rstrip("\n").split("\t")
    assert (value, name) == (f"{r:.4f}", "spearman")
    low, high = (float(part) for part in rest[1 : rest.index("]")].split(", "))
    assert low < r < high < 1
    assert rest.endswith("] at 95%, 5 of 6 pairs, 1 unknown words")


def test_similarity_by_euclidean_distance_counts_near_words_as_similar(unroll: Run) -> None:
    found = json.loads(unroll("similarity", "vectors", "-", "--distance", "euclidean", "--json", text=PAIRS).out)
    values = [2**0.5, 13**0.5, 5**0.5, 14**0.5, 3**0.5]
    assert found["spearman"] == pytest.approx(spearmanr([-v for v in values], [8, 9.5, 2, 3, 1]).statistic)
    assert (found["pairs"], found["covered"], found["unknown"]) == (6, 5, 1)


def test_pairs_are_printed_on_request_and_without_scores(unroll: Run) -> None:
    out = unroll("similarity", "vectors", "-", "--pairs", text=PAIRS).out.splitlines()
    assert out[:3] == ["0.7071\t8\tparis\tfrance", "0.7071\t9.5\trome\titaly", "\t1\tparis\tabsent"]
    assert len(out) == 7
    result = unroll("similarity", "vectors", "-", text="paris france\nparis absent\n")
    assert result.out == "0.7071\tparis\tfrance\n\tparis\tabsent\n"
    result = unroll("similarity", "vectors", "-", "--json", text="paris, absent\n")
    assert json.loads(result.out) == {"first": "paris", "second": "absent", "score": None, "cosine": None}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("paris\n", "line 1: has 1 columns, or an empty one; write two words and a score"),
        ("paris,france,8\nparis,,8\n", "line 2: has 3 columns, or an empty one"),
        ("a,b,c\nparis,france,8\nparis,rome,x\n", "line 3: the score 'x' is not a number; correct it"),
        ("paris,france,8\nparis,rome\n", "line 2: only some lines have a score; give all lines one, or none"),
        ("# none\n", "has no pair of words; give a file with at least one"),
        ("", "has no pair of words; give a file with at least one"),
        ("paris,france,8\nx,y,8\n", "the vectors cover 1 of 2 pairs (2 unknown words), and a correlation needs two"),
        ("paris,france,8\nrome,italy,8\n", "whose scores or similarities are all equal, so there is no correlation"),
    ],
)
def test_a_faulty_data_set_is_one_sentence(unroll: Run, text: str, sentence: str) -> None:
    result = unroll("similarity", "vectors", "-", text=text)
    assert (result.code, result.out) == (1, "")
    assert sentence in result.err
    assert result.err.count("\n") == 1


LINES = "the students opened their books\n\nthe time traveller opened their laptops\n"


def test_contextual_vectors_of_every_token(unroll: Run) -> None:
    rows = [line.split("\t") for line in unroll("vectors", "lstm", "-", text=LINES).out.splitlines()]
    assert [row[:3] for row in rows[:2]] == [["1", "1", "the"], ["1", "2", "students"]]
    assert [row[0] for row in rows] == ["1"] * 5 + ["3"] * 6
    assert {len(row) for row in rows} == {3 + 8}
    model = package.load("models/lstm")
    expected = model.model.contextual(model.encode("the students opened their books"))
    np.testing.assert_allclose(np.asarray([row[3:] for row in rows[:5]], dtype=float), expected, rtol=1e-6)
    found = [json.loads(line) for line in unroll("vectors", "lstm", "-", "--json", text=LINES).out.splitlines()]
    assert found[1]["token"] == "students"
    np.testing.assert_allclose(found[1]["vector"], expected[1])


def test_contextual_vectors_in_files(unroll: Run, workspace: Path) -> None:
    for suffix in ("npy", "parquet", "tsv"):
        result = unroll("vectors", "lstm", "-", "--output", f"found.{suffix}", text=LINES)
        assert result.out == f"11 vectors in found.{suffix}\n"
    array, table = np.load(workspace / "found.npy"), parquet.read_table(workspace / "found.parquet")
    assert array.shape == (11, 8)
    assert table.column_names == ["line", "position", "token", "vector"]
    assert table["line"].to_pylist() == [1] * 5 + [3] * 6
    assert table["position"].to_pylist() == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(np.asarray(table["vector"].to_pylist(), dtype=np.float32), array)
    text = (workspace / "found.tsv").read_text(encoding="utf-8")
    assert text == unroll("vectors", "lstm", "-", text=LINES).out


def test_occurrences_of_a_word_are_compared(unroll: Run, workspace: Path) -> None:
    arguments = ("vectors", "lstm", "-", "--word", "Opened")
    result = unroll(*arguments, "--plot", "found.png", text=LINES + "the students opened their books\n")
    assert result.code == 0, result.err
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert [row[3] for row in rows] == [
        "the students [opened] their books",
        "the time traveller [opened] their laptops",
        "the students [opened] their books",
    ]
    assert [rows[0][0], rows[1][1], rows[0][2]] == ["1.0000"] * 3  # the hidden vector has read the words before it
    assert rows[0][1] == rows[1][0] != "1.0000"
    assert (workspace / "found.png").read_bytes().startswith(b"\x89PNG")
    first = json.loads(unroll(*arguments, "--json", text=LINES).out.splitlines()[0])
    assert first["line"] == 1
    assert first["cosines"] == pytest.approx([1, float(rows[0][1])], abs=1e-4)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--word", "zebra"), "models/lstm: does not know the word 'zebra'; give one whose tokens are all known"),
        (("--word", "arrived"), "'arrived' does not occur in the texts; give lines that have it"),
        (("--plot", "a.png"), "--plot draws the occurrences of a word; add --word"),
        (
            ("--word", "students", "--plot", "a.png"),
            "a picture needs two occurrences, and there are 1; give more texts",
        ),
        (("--word", "the", "--plot", "none/a.png"), "none/a.png: cannot be written"),
        (("--word", "the", "--output", "a.npy"), "--word compares those of a word; give one"),
        (("--output", "a.txt"), "a.txt: has no known format; end its name in .tsv, .npy or .parquet"),
        (("--output", "none/a.npy"), "none/a.npy: cannot be written"),
    ],
)
def test_a_mistake_is_one_sentence(unroll: Run, options: tuple[str, ...], sentence: str) -> None:
    result = unroll("vectors", "lstm", "-", *options, text=LINES)
    assert (result.code, result.out) == (1, "")
    assert sentence in result.err
    assert result.err.count("\n") == 1
