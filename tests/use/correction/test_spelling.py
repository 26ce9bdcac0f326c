"""The noisy channel with a small list of words and toy models."""

import math
from pathlib import Path

import pytest

import unroll
from unroll.errors import UnrollError
from unroll.use.correction.character_model import CharacterModel
from unroll.use.correction.edit_model import EditModel
from unroll.use.correction.spelling import (
    WEIGHTS,
    Speller,
    accuracy,
    find_words,
    mark_wrong_words,
    parse_pairs,
    tune_weight,
    vocabulary_words,
)

WORDS = ["the", "their", "there", "students", "opened", "books", "time", "arrived"]


def test_the_edit_model_alone_chooses_the_nearest_word() -> None:
    speller = Speller(None, WORDS)
    assert [speller.correct_word(word) for word in ("teh", "studnets", "opend", "bookss")] == [
        "the",
        "students",
        "opened",
        "books",
    ]
    assert speller.correct_word("zebra") == "zebra"  # nothing is near; it may be a name


def test_case_and_everything_but_words_are_unchanged() -> None:
    corrected, changes = Speller(None, WORDS).correct("Teh STUDNETS (2024) opend... x_1")
    assert corrected == "The STUDENTS (2024) opened... x_1"
    assert [(one.start, one.typed, one.word) for one in changes] == [
        (0, "Teh", "The"),
        (4, "STUDNETS", "STUDENTS"),
        (20, "opend", "opened"),
    ]


@pytest.mark.parametrize("name", ["trigram", "hmm", "lstm", "chars"])
def test_a_language_model_decides_between_equally_near_words(workspace: Path, name: str) -> None:
    model = unroll.load(workspace / "models" / name)
    # "thexr" is one error from both; without a model, the first in the alphabet is chosen.
    words = ["students", "opened", "books", "their", "thear"]
    assert Speller(None, words).correct_word("thexr") == "thear"
    assert Speller(model, words).correct("the students opened thexr books")[0] == "the students opened their books"


def test_the_words_of_a_model(workspace: Path) -> None:
    assert set(vocabulary_words(unroll.load(workspace / "models" / "trigram"))) >= {"students", "traveller"}
    assert vocabulary_words(unroll.load(workspace / "models" / "chars")) == []
    with pytest.raises(UnrollError, match="no words to choose from"):
        Speller(None, [])


def test_accuracy_is_the_share_of_corrected_words() -> None:
    pairs = parse_pairs([("f: line 1", "the: teh hte"), ("f: line 2", "books: boks x")])
    assert pairs == [("the", "teh"), ("the", "hte"), ("books", "boks"), ("books", "x")]
    assert accuracy(Speller(None, WORDS, EditModel(pairs)), pairs) == 0.75
    with pytest.raises(UnrollError, match='f: line 3: is not "right: wrong wrong'):
        parse_pairs([("f: line 3", "the teh")])


def test_the_character_model_is_a_distribution_over_words() -> None:
    characters = CharacterModel(["ab", "aab", "b"])
    words, total = [""], 0.0
    for _ in range(12):
        total += sum(math.exp(characters.log_prob(word)) for word in words)
        words = sorted((word + character for word in words for character in "ab?"), key=characters.log_prob)[-200:]
    assert 0.9 < total <= 1  # "?" stands for every character that no word contains
    assert characters.log_prob("ab") > characters.log_prob("bba") > characters.log_prob("zzz")


def test_an_unlisted_word_can_be_right() -> None:
    speller = Speller(None, [*WORDS, "listed", "lists", "opens", "booked"])
    assert speller.correct_word("listens") == "listens"  # two errors from a listed word, but spelled like a word
    assert speller.correct_word("studqnts") == "students"


def test_the_weight_is_tuned_to_the_fewest_wrong_words(workspace: Path) -> None:
    words = ["students", "opened", "books", "their", "thear"]
    speller = Speller(unroll.load(workspace / "models" / "trigram"), words, weight=0)
    pairs = [("the students opened thexr books", "the students opened their books")] * 20
    weight = tune_weight(speller, pairs)
    assert speller.weight == weight > 0
    assert mark_wrong_words(speller, pairs[:1]) == [[False] * 5]
    speller.weight = WEIGHTS[WEIGHTS.index(weight) - 1]  # with the next smaller weight, the context does not decide
    assert mark_wrong_words(speller, pairs[:1]) == [[False, False, False, True, False]]


def test_one_text_does_not_change_the_weight(workspace: Path) -> None:
    speller = Speller(unroll.load(workspace / "models" / "trigram"), ["their", "thear"], weight=0)
    assert tune_weight(speller, [("the students opened thexr books", "the students opened their books")]) == 0


def test_training_pairs_do_not_change_how_often_words_are_wrong(workspace: Path) -> None:
    pairs = [("opened", "opned"), ("students", "studnets")] * 20
    assert EditModel(pairs).log_prob("opned", "opened") > EditModel().log_prob("opned", "opened")
    assert Speller(None, WORDS, EditModel(pairs)).correct("there time")[0] == "there time"


@pytest.mark.parametrize(
    "literal",
    [
        "http://thr.studnets.com/teh?boks=opend#teh",
        "https://teh.org",
        "www.boks.org/teh",
        "mailto:teh@boks.org",
        "teh.boks+opend@studnets.co.uk",
        "@teh",
        "#teh",
        "boks.txt",
        "teh.opend.boks",
        "/teh/boks",
        "./teh",
        "~/boks/teh",
        "teh/boks/opend",
        r"C:\teh\boks",
        r"\teh",
        "3teh",
        "teh2",
        "1e5",
        "0xfeda",
        "12.5e-3",
        "teh_boks",
        "٣teh",
    ],
)
def test_addresses_file_names_and_numbers_are_unchanged(literal: str) -> None:
    speller = Speller(None, [*WORDS, "a", "e"])
    for text in (literal, f"teh {literal} boks", f"teh ({literal}), boks", f"“{literal}” boks"):
        assert literal in speller.correct(text)[0]
    assert speller.correct(f"teh {literal} boks")[0] == f"the {literal} books"


@pytest.mark.parametrize(
    ("typed", "corrected"),
    [
        ("teh/their", "the/their"),
        ("teh-boks", "the-books"),
        ("teh.", "the."),
        ("teh...boks", "the...books"),
        ("teh, boks;teh", "the, books;the"),
        ("teh: boks", "the: books"),
        ("“teh” (boks)", "“the” (books)"),
        ("teh\u00a0boks\u3000teh", "the\u00a0books\u3000the"),
    ],
)
def test_words_beside_punctuation_are_corrected(typed: str, corrected: str) -> None:
    assert Speller(None, WORDS).correct(typed)[0] == corrected


@pytest.mark.parametrize("word", ["می\u200cخواهم", "हिन्दी", "cafe\u0301s", "க்ஷ"])
def test_marks_and_joiners_belong_to_words(word: str) -> None:
    """A list with the parts that a word would fall into without them; each could be corrected to another word."""
    assert [text for _, text in find_words(f"x {word}, {word}")] == ["x", word, word]
    speller = Speller(None, [word, "می", "ह", "cafe"])
    assert speller.correct(word) == (word, [])
