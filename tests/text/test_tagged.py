"""Tagged text: the sentences of both formats, the cleaning of tokens, and the alignment of words, shapes and tags."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import tagged
from tests.text.conftest import CORPUS, Workshop, words
from unroll.errors import UnrollError
from unroll.params.corpora import PathCorpus
from unroll.text import streams
from unroll.text.clean import clean
from unroll.text.cleaner import Cleaner
from unroll.text.partition import partition
from unroll.text.tagged.cleaning import clean_tokens
from unroll.text.tagged.sentences import COLUMNS, Sentence, read_sentences
from unroll.text.tokenize import tokenize
from unroll.text.tokenizers.loading import load_tokenizer
from unroll.text.tokenizers.shape import ShapeTokenizer, possible_shapes

UPOS, XPOS = ({"kind": "conllu", "tag": tag} for tag in ("upos", "xpos"))
EXAMPLE = """\
# sent_id = 1
# text = I haven't a clue.
1\tI\tI\tPRON\tPRP\t_\t_\t_\t_\t_
2-3\thaven't\t_\t_\t_\t_\t_\t_\t_\t_
2\thave\thave\tVERB\tVBP\t_\t_\t_\t_\t_
3\tnot\tnot\tPART\tRB\t_\t_\t_\t_\t_
4\ta\ta\tDET\tDT\t_\t_\t_\t_\t_
5\tclue\tclue\tNOUN\tNN\t_\t_\t_\t_\tSpaceAfter=No
5.1\tseen\tsee\tVERB\tVBN\t_\t_\t_\t_\t_
6\t.\t.\tPUNCT\t.\t_\t_\t_\t_\t_

1\tYes\tyes\tINTJ\tUH\t_\t_\t_\t_\t_

"""


def read(text: str, settings: dict[str, Any] = COLUMNS) -> list[Sentence]:
    return list(read_sentences(enumerate(text.split("\n"), 1), settings, "a.txt"))


def test_words_of_conllu_are_kept_and_ranges_and_empty_nodes_are_counted() -> None:
    first, second = read(EXAMPLE, UPOS)
    assert first.tokens == ["I", "have", "not", "a", "clue", "."]
    assert first.tags == ["PRON", "VERB", "PART", "DET", "NOUN", "PUNCT"]
    assert (first.line, first.token_ranges, first.empty_nodes) == (1, 1, 1)
    assert (second.line, second.tokens, second.tags) == (12, ["Yes"], ["INTJ"])
    assert read(EXAMPLE, XPOS)[0].tags == ["PRP", "VBP", "RB", "DT", "NN", "."]


@pytest.mark.parametrize("separator", ["\t", " ", "  "])
def test_two_columns(separator: str) -> None:
    text = f"\n\nThe{separator}DET\ncat{separator}NOUN\n \nIt{separator}PRON"
    assert [(s.line, s.tokens, s.tags) for s in read(text)] == [
        (3, ["The", "cat"], ["DET", "NOUN"]),
        (6, ["It"], ["PRON"]),
    ]


def test_a_token_beside_a_tab_may_contain_spaces() -> None:
    (sentence,) = read("New York\tPROPN\n10 000\tNUM")
    assert sentence.tokens == ["New York", "10 000"]


def test_chosen_columns() -> None:
    (sentence,) = read("EU NNP B-NP B-ORG\nrejects VBZ B-VP O", {"kind": "tagged", "token": 1, "tag": 4})
    assert (sentence.tokens, sentence.tags) == (["EU", "rejects"], ["B-ORG", "O"])
    assert sentence.ignored_columns == 4


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("a\tX\nb", COLUMNS, "line 2: has 1 column and not 2; write a token and its tag with a tab between them"),
        ("a b c", COLUMNS, "line 1: has 3 columns and not 2; .*set format: {kind: tagged, token: 1, tag: N}"),
        ("a\t", COLUMNS, "line 1: the tag is empty; write a token and a tag"),
        (" \tX", COLUMNS, "line 1: the token is empty"),
        ("a\tX Y", COLUMNS, "line 1: the tag contains white space"),
        (
            "a b",
            {"kind": "tagged", "token": 1, "tag": 4},
            "line 1: has 2 columns, but the token is in column 1 and the tag",
        ),
        ("a\tX", UPOS, "line 1: has 2 columns and not the 10 of CoNLL-U.*or set format: tagged"),
        (
            EXAMPLE.replace("3\tnot", "4\tnot"),
            UPOS,
            "line 6: the word has the ID '4' and not 3; number the words from 1",
        ),
        (EXAMPLE.replace("1\tYes", "0\tYes"), UPOS, "line 12: the word has the ID '0' and not 1"),
        (EXAMPLE.replace("2-3", "1-3"), UPOS, "line 4: the range 1-3 is not 2-N with N above 2"),
        (EXAMPLE.replace("PART", "_"), UPOS, "line 6: the word 'not' has no UPOS; set tag: xpos, or add it"),
        (EXAMPLE.replace("\tRB", "\t_"), XPOS, "line 6: the word 'not' has no XPOS; set tag: upos"),
    ],
)
def test_a_fault_names_the_file_and_the_line(text: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UnrollError, match=f"^a.txt: {message}") as caught:
        read(text, settings)
    assert "\n" not in str(caught.value)


CLEANER = {"cleaning": "plain", "invisible": "drop", "lowercase": True, "markup": "keep"}


def test_every_token_is_cleaned_by_itself() -> None:
    changed: Counter[str] = Counter()
    tokens, tags = clean_tokens(Cleaner(**CLEANER), ["The", "\u200b", "New York", "so\u00adme"], "ABCD", changed)
    assert (tokens, tags) == (["the", "new_york", "some"], ["A", "C", "D"])
    assert changed == {"empty_tokens": 1, "spaces_in_tokens": 1}


@given(st.lists(st.text(min_size=1, max_size=8), max_size=8))
def test_tokens_and_tags_stay_aligned(tokens: list[str]) -> None:
    """Whatever cleaning does to a token, white space divides the clean sentence into as many words as there are
    tags."""
    for cleaning in ("plain", "layout", "letters"):
        cleaner = Cleaner(**CLEANER | {"cleaning": cleaning})
        kept, tags = clean_tokens(cleaner, tokens, map(str, range(len(tokens))), Counter())
        assert len(" ".join(kept).split()) == len(kept) == len(tags)


def test_conllu_through_all_stages(workshop: Workshop, tmp_path: Path) -> None:
    workshop.add(EXAMPLE * 10, "a.conllu", format="conllu", documents=None)
    values = CORPUS | {"source": "path", "path": "a", "sha256": "", "unknown_word": "none"}
    params = PathCorpus.model_validate(values | {"format": UPOS})
    counts = clean(params, workshop.raw, workshop.out)
    assert counts["changed"] == {"empty_nodes": 10, "token_ranges": 10}
    assert sum(size["documents"] for size in counts["splits"].values()) == 20
    tokens, out = tmp_path / "tokens", tmp_path / "partition"
    tokens.mkdir()
    out.mkdir()
    counts = tokenize(tagged.words(corpus="tiny", suffix_min_count=1), workshop.out, tokens)
    partition(tagged.words(), "tiny", 1, tokens, out)
    data = streams.load(out)
    assert counts["tags_vocabulary_size"] == 4 + len(data.tags) == 4 + 7
    word, tag, shape = (load_tokenizer(tokens / "tokenizer.json", side) for side in ("target", "tags", "shapes"))
    sides = [data.streams["train"][side].documents[0][:-1] for side in ("text", "tags", "shapes")]
    assert word.decode(sides[0]) == "I have not a clue ."
    assert tag.decode(sides[1]) == "PRON VERB PART DET NOUN PUNCT"
    assert shape.decode(sides[2]) == "capital- plain-ave plain-ot plain- plain-lue symbol-"
    assert (tokens / "tags.frequencies.parquet").exists()


def test_a_partition_of_other_text_has_no_tags(workshop: Workshop) -> None:
    """Its plan has the same bytes as in earlier releases."""
    workshop.add("a b c\n" * 30).clean()
    tokenize(words(), workshop.out, workshop.folder)
    partition(words(), "tiny", 1, workshop.folder, workshop.folder)
    assert "tags" not in json.loads((workshop.folder / "plan.json").read_text(encoding="utf-8"))
    assert (streams.load(workshop.folder).tags, streams.load(workshop.folder).shapes) == ([], 0)


def test_a_tokenizer_of_another_type_is_refused(workshop: Workshop) -> None:
    workshop.add("a\tX\n\n" * 30, format="tagged").clean()
    with pytest.raises(UnrollError, match="tagged text needs it; set type: tagged"):
        tokenize(words(), workshop.out, workshop.folder)
    workshop.files.clear()
    workshop.add("a b\n" * 30).clean()
    with pytest.raises(UnrollError, match=r"type tagged is for tagged text, .*set type: word"):
        tokenize(tagged.words(), workshop.out, workshop.folder)


def test_all_sides_of_a_split_have_the_same_borders(tmp_path: Path) -> None:
    data = tagged.load(tagged.prepare(tmp_path, sentences=60))
    for sides in data.streams.values():
        assert set(sides) == {"text", "shapes", "tags"}
        for stream in sides.values():
            np.testing.assert_array_equal(stream.offsets, sides["text"].offsets)


@pytest.mark.parametrize(
    ("word", "shapes"),
    [
        ("walking", ["plain-ing", "plain-ng", "plain-g", "plain-"]),
        ("Anna", ["capital-nna", "capital-na", "capital-a", "capital-"]),
        ("NATO", ["capitals-ato", "capitals-to", "capitals-o", "capitals-"]),
        ("well-known", ["hyphen-own", "hyphen-wn", "hyphen-n", "hyphen-"]),
        ("1990s", ["digit-90s", "digit-0s", "digit-s", "digit-"]),
        ("...", ["symbol-..", "symbol-.", "symbol-"]),
        ("a", ["plain-"]),
        ("I", ["capital-"]),
    ],
)
def test_the_shapes_of_a_word(word: str, shapes: list[str]) -> None:
    assert possible_shapes(word, 3) == shapes


class Texts(list[str]):
    """The texts of a train split in memory."""

    def count(self, function: Any) -> Any:
        return function(self)


def test_a_shape_has_the_longest_suffix_that_is_frequent_enough() -> None:
    """Suffixes are counted in different words: "walking" occurs three times, but is one of two words with -ing."""
    texts = Texts(["walking walking walking talking", "red bed"])
    tokenizer = ShapeTokenizer.learn(tagged.words(suffix_length=3, suffix_min_count=2), texts)
    assert tokenizer.shape("singing") == "plain-ing"
    assert tokenizer.shape("led") == "plain-ed"
    assert tokenizer.shape("bog") == "plain-g"
    assert tokenizer.shape("cat") == "plain-"
    assert tokenizer.encode("Cat") == [3]  # no word of the train split has a capital
    assert len(tokenizer.encode("a b c d e")) == 5
