"""ARPA files: writing and reading them, KenLM's reading of ours, files of other programs, and faulty files."""

from pathlib import Path

import numpy as np
import pytest

from tests.models.ngrams import SIZE, SMOOTHINGS, documents, every_model, fitted, params
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs
from unroll.models.ngram import arpa
from unroll.models.ngram import model as ngram
from unroll.text.streams import Data, stream_of
from unroll.text.tokenizers.vocabulary import EOS, SPECIAL, UNK

WORDS = [*SPECIAL, "<unk>", " ", "\n", "a\tb", r"\x20", "é", "</S>", "word"]


@every_model
def test_read_returns_the_model_that_was_written(kind: str, order: int, prune: list[int], tmp_path: Path) -> None:
    model = fitted(kind, order, prune)
    arpa.write(model, WORDS, tmp_path / "model.arpa")
    loaded, words = arpa.read(tmp_path / "model.arpa")
    assert words == WORDS
    for table, loaded_table in zip(model.orders, loaded.orders, strict=True):
        for name, value in vars(table).items():
            np.testing.assert_array_equal(value, getattr(loaded_table, name), err_msg=name)


@pytest.mark.parametrize("kind", SMOOTHINGS)
def test_kenlm_reads_our_arpa(kind: str, tmp_path: Path) -> None:
    kenlm = pytest.importorskip("kenlm", reason="kenlm is not installed")
    model = fitted(kind, 4)
    arpa.write(model, WORDS, tmp_path / "model.arpa")
    peer = kenlm.Model(str(tmp_path / "model.arpa"))
    texts = [text for text in documents(4, 50) if UNK not in text]
    compared = 0
    for text, scores in zip(texts, model.log_probs([np.array([*text, EOS]) for text in texts]), strict=True):
        if np.isfinite(scores).all():
            sentence = " ".join(arpa.escape(WORDS[token]) for token in text)
            assert peer.score(sentence) == pytest.approx(scores.sum() / np.log(10), abs=1e-4)
            compared += 1
    assert compared > 10


def test_reads_files_of_other_programs(tmp_path: Path) -> None:
    """Lines are in any order, and <unk> and backoffs of 0 are missing: p(b) = 0.2, p(a | b) = 0.5, backoff(a) = 0.4."""
    text = (
        "made by hand\n\n\\data\\\nngram 1=4\nngram 2=2\n\n\\1-grams:\n-0.69897\tb\n-99\t<s>\t-0.30103\n"
        "-0.39794\ta\t-0.39794\n-0.39794\t</s>\n\n\\2-grams:\n-0.30103\tb a\n-0.60206\ta </s>\n\n\\end\\\n"
    )
    path = tmp_path / "other.arpa"
    path.write_text(text)
    model, words = arpa.read(path)
    assert words == [*SPECIAL, "b", "a"]
    scores = np.exp(model.log_probs([np.array([4, 5, 5, UNK, EOS])])[0])
    np.testing.assert_allclose(scores, [0.5 * 0.2, 0.5, 0.4 * 0.4, 0, 0.4], rtol=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ngram 1=", "gram 1=", "the orders are not 1, 2, 3"),
        ("\\end\\", "", "not a complete ARPA file"),
        ("ngram 2=", "ngram 2=1", "the file is cut short"),
        ("\tword", "\tword\t0\t0", r"line 1\d: does not have a number, 1 words and"),
        ("-99\t<s>", "much\t<s>", "should be a number"),
        ("-99\t<s>", "nan\t<s>", "should be a number"),
        ("-99\t<s>", "0.5\t<s>", "the logarithm of a probability is above 0"),
        ("\t</s>", "\t<s>", "a word occurs twice in the 1-grams"),
        ("\\2-grams:", "\\3-grams:", "follows the 1-grams"),
        ("\t<s> word", "\t<s> Word", r"line \d+: the word 'Word' is not one of the 1-grams"),
        ("\t<s> word", "\t<s> word é", r"line \d+: 'é' should be a number"),
        ("\t<s> word", "\t<s> é", "occurs twice"),
    ],
)
def test_faulty_arpa_is_refused(old: str, new: str, words: str, tmp_path: Path) -> None:
    train = [np.array([9, 11]), np.array([11, 9])]
    data = Data("two", SIZE, 1, 1, {split: {"text": stream_of(train, SIZE)} for split in ("train", "valid")})
    path = tmp_path / "model.arpa"
    arpa.write(ngram.fit(params("kneser_ney", 2), data, Inputs(), lambda step, **values: None), WORDS, path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UnrollError, match=words):
        arpa.read(path)


def test_other_encodings_and_other_vocabularies_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.arpa"
    path.write_bytes(b"\\data\\\nngram 1=1\n\xff")
    with pytest.raises(UnrollError, match="line 3: byte 0xff at column 1 is not UTF-8"):
        arpa.read(path)
    with pytest.raises(UnrollError, match="has 12 tokens, not 4"):
        arpa.write(fitted("add_k", 2), SPECIAL, path)


ARPA = (
    "\\data\\\nngram 1=5\nngram 2=2\n\n\\1-grams:\n-0.69897\tb\n-99\t<s>\t-0.30103\n-0.39794\ta\t-0.39794\n"
    "-0.39794\t</s>\n"
    "-2\t<unk>\n\n\\2-grams:\n-0.30103\tb a\n-0.60206\ta </s>\n\n\\end\\\n"
)


def _loosely(text: str) -> list[str]:
    """The same model, as other programs and editors write it."""
    return [
        text.removesuffix("\n"),  # no newline after \end\
        text.replace("ngram 1=5", "ngram 1=\t5"),
        text.replace("ngram 1=5", "ngram  1=   5"),
        text.replace("\n", "  \n"),
        text.replace("\n", "\t\n"),
        text.replace("\t", " "),
        text.replace("\t", "  "),
        text.replace("\n-0.3", "\n  -0.3"),
        text.replace("\n", "\r\n"),
        text.replace("\n", "\r"),
        "\ufeff" + text,
        text.replace("\n\n", "\n\n\n"),
        text.replace("<unk>", "<UNK>"),
        text.replace("-99\t", "-inf\t"),
        text.replace("ngram 2=2\n", "ngram 2=2\nsome words of the program\n"),
        "ngram 1=7\na file of a friend\n" + text,
        text + "what follows the end is not read\n\\1-grams:\n",
    ]


@pytest.mark.parametrize("number", range(len(_loosely(ARPA))))
def test_loose_forms_give_the_same_model(number: int, tmp_path: Path) -> None:
    path, other = tmp_path / "model.arpa", tmp_path / "other.arpa"
    path.write_text(ARPA, encoding="utf-8")
    other.write_bytes(_loosely(ARPA)[number].encode())
    (model, words), (loaded, loaded_words) = arpa.read(path), arpa.read(other)
    assert loaded_words == words == [*SPECIAL, "b", "a"]
    for table, loaded_table in zip(model.orders, loaded.orders, strict=True):
        for name, value in vars(table).items():
            np.testing.assert_array_equal(value, getattr(loaded_table, name), err_msg=name)


@pytest.mark.parametrize("number", range(10))
def test_loose_forms_score_as_in_kenlm_where_kenlm_reads_them(number: int, tmp_path: Path) -> None:
    kenlm = pytest.importorskip("kenlm", reason="kenlm is not installed")
    path = tmp_path / "model.arpa"
    path.write_bytes(_loosely(ARPA)[number].encode())
    model, _ = arpa.read(path)
    try:
        peer = kenlm.Model(str(path))
    except OSError:  # KenLM is stricter; the test above says what the file means
        path.write_text(ARPA)
        peer = kenlm.Model(str(path))
    for text in ("b a", "a", "b b a"):
        tokens = np.array([*({"b": 4, "a": 5}[word] for word in text.split()), EOS])
        assert model.log_probs([tokens])[0].sum() / np.log(10) == pytest.approx(peer.score(text), abs=1e-5)


def test_words_keep_white_space_that_is_not_ascii(tmp_path: Path) -> None:
    path = tmp_path / "model.arpa"
    path.write_text(ARPA.replace("b", "b\u00a0c\u2028d\x1ce"), encoding="utf-8")
    assert arpa.read(path)[1][4:] == ["b\u00a0c\u2028d\x1ce", "a"]
