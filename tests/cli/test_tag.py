"""The verb tag, and the tags of words in Python."""

import json
from pathlib import Path

import pytest

from tests.cli.taggers import save_tagger
from tests.trained import Run
from unroll import load
from unroll.errors import UnrollError
from unroll.use.model import TextModel

TEXT = "The students opened the books .\n\nthey saw their time .\n"


@pytest.fixture(autouse=True)
def tagger(workspace: Path) -> TextModel:
    return load(save_tagger(workspace))


def test_each_line_is_printed_with_its_tags(unroll: Run) -> None:
    result = unroll("tag", "tagger", text=TEXT)
    assert (result.code, result.err) == (0, "")
    assert result.out.split("\n") == [
        "The/DET students/NOUN opened/VERB the/DET books/NOUN ./PUNCT",
        "",
        "they/PRON saw/VERB their/DET time/NOUN ./PUNCT",
        "",
    ]


def test_two_columns_are_what_the_corpus_format_reads(unroll: Run) -> None:
    from unroll.text.tagged.sentences import COLUMNS, read_sentences

    result = unroll("tag", "tagger", "--columns", text=TEXT)
    first, second = read_sentences(enumerate(result.out.split("\n"), 1), COLUMNS, "output")
    assert first.tokens == ["The", "students", "opened", "the", "books", "."]
    assert second.tags == ["PRON", "VERB", "DET", "NOUN", "PUNCT"]


def test_json_has_probabilities_and_says_what_is_unknown(unroll: Run) -> None:
    rows = [json.loads(line) for line in unroll("tag", "tagger", "--json", text=TEXT + "a zebra\n").out.splitlines()]
    assert [row["text"] for row in rows] == [*TEXT.splitlines(), "a zebra"]
    assert [len(row["words"]) for row in rows] == [6, 0, 5, 2]
    assert all(0 < word["probability"] <= 1 for row in rows for word in row["words"])
    assert [word["unknown"] for word in rows[3]["words"]] == [True, True]
    assert [word["unknown"] for word in rows[0]["words"]] == [False] * 6  # lower-cased as the corpus was


def test_punctuation_is_split_off_on_request(unroll: Run) -> None:
    assert unroll("tag", "tagger", text="the books.\n").out.count("/") == 2
    assert unroll("tag", "tagger", "--split", text="the books.\n").out == "the/DET books/NOUN ./PUNCT\n"


def test_words_are_read_from_the_first_column(unroll: Run) -> None:
    """The output of --columns is such an input, and is tagged again in the same way."""
    first = unroll("tag", "tagger", "--columns", text=TEXT).out
    again = unroll("tag", "tagger", "--read-columns", "--columns", text=first)
    assert (again.code, again.out) == (0, first.replace("\n\n\n", "\n\n"))
    result = unroll("tag", "tagger", "--read-columns", text="the\ntime\tX\n\n\nNew York\tY")
    assert result.out.startswith("the/DET time/NOUN\nNew York/")  # one word, as its line says
    empty = unroll("tag", "tagger", "--read-columns", text="\n \n")
    assert (empty.code, empty.out) == (1, "")
    assert empty.err == "unroll: standard input: has no word; give a file with at least one\n"


def test_another_model_does_not_tag(unroll: Run) -> None:
    result = unroll("tag", "trigram", text=TEXT)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("unroll: models/trigram: does not tag words; it supports: score, ")
    assert "does not score; it supports: tag\n" in unroll("score", "tagger", text=TEXT).err


def test_words_of_a_list_are_tagged_as_they_are(tagger: TextModel) -> None:
    words = ["The", "\u200b", "students"]
    (found,) = tagger.tag([words])
    assert [word.word for word in found] == ["The", "students"]  # nothing is left of the second word
    assert [word.tag for word in found] == [word.tag for word in tagger.tag(["The students"])[0]]
    assert tagger.tag([]) == []
    assert tagger.tag([""]) == [[]]
    with pytest.raises(UnrollError, match="a list of texts is required, not one text"):
        tagger.tag("the students")


def test_a_model_that_mlflow_serves_tags(tagger: TextModel) -> None:
    (row,) = tagger.predict(["they time the books"])
    assert [word["tag"] for word in row["words"]] == ["PRON", "VERB", "DET", "NOUN"]
