"""The noisy channel, with words and a model that are known."""

import math
from pathlib import Path

import pytest

import unroll
from unroll.errors import UnrollError
from unroll.use.character_model import Letters
from unroll.use.edit_model import EditModel
from unroll.use.spelling import WEIGHTS, Speller, accuracy, mistakes, pairs_of, tune, words_of

WORDS = ["the", "their", "there", "students", "opened", "books", "time", "arrived"]


def test_alone_the_edit_model_takes_the_nearest_word() -> None:
    speller = Speller(None, WORDS)
    assert [speller.best(word) for word in ("teh", "studnets", "opend", "bookss")] == [
        "the",
        "students",
        "opened",
        "books",
    ]
    assert speller.best("zebra") == "zebra"  # nothing near: it may be a name


def test_case_and_what_is_no_word_stay() -> None:
    corrected, changes = Speller(None, WORDS).correct("Teh STUDNETS (2024) opend... x_1")
    assert corrected == "The STUDENTS (2024) opened... x_1"
    assert [(one.start, one.typed, one.word) for one in changes] == [
        (0, "Teh", "The"),
        (4, "STUDNETS", "STUDENTS"),
        (20, "opend", "opened"),
    ]


@pytest.mark.parametrize("name", ["trigram", "hmm", "lstm", "chars"])
def test_a_model_decides_between_words_as_near(workspace: Path, name: str) -> None:
    model = unroll.load(workspace / "models" / name)
    # "thexr" is one mistake from both; alone, the first in the alphabet wins.
    words = ["students", "opened", "books", "their", "thear"]
    assert Speller(None, words).best("thexr") == "thear"
    assert Speller(model, words).correct("the students opened thexr books")[0] == "the students opened their books"


def test_the_words_of_a_model(workspace: Path) -> None:
    assert set(words_of(unroll.load(workspace / "models" / "trigram"))) >= {"students", "traveller"}
    assert words_of(unroll.load(workspace / "models" / "chars")) == []
    with pytest.raises(UnrollError, match="no words to choose from"):
        Speller(None, [])


def test_accuracy_is_of_the_wrong_words() -> None:
    pairs = pairs_of([("f: line 1", "the: teh hte"), ("f: line 2", "books: boks x")])
    assert pairs == [("the", "teh"), ("the", "hte"), ("books", "boks"), ("books", "x")]
    assert accuracy(Speller(None, WORDS, EditModel(pairs)), pairs) == 0.75
    with pytest.raises(UnrollError, match='f: line 3: is not "right: wrong wrong'):
        pairs_of([("f: line 3", "the teh")])


def test_letters_are_a_distribution_over_words() -> None:
    letters = Letters(["ab", "aab", "b"])
    words, total = [""], 0.0
    for _ in range(12):
        total += sum(math.exp(letters.log_prob(word)) for word in words)
        words = sorted((word + letter for word in words for letter in "ab?"), key=letters.log_prob)[-200:]
    assert 0.9 < total <= 1  # "?" stands for any letter that no word has
    assert letters.log_prob("ab") > letters.log_prob("bba") > letters.log_prob("zzz")


def test_a_word_that_no_list_has_may_be_right() -> None:
    speller = Speller(None, [*WORDS, "listed", "lists", "opens", "booked"])
    assert speller.best("listens") == "listens"  # two mistakes from a word of the list, and spelt as words are
    assert speller.best("studqnts") == "students"


def test_the_weight_is_tuned_to_the_fewest_mistakes(workspace: Path) -> None:
    words = ["students", "opened", "books", "their", "thear"]
    speller = Speller(unroll.load(workspace / "models" / "trigram"), words)
    pairs = [("the students opened thexr books", "the students opened their books")]
    weight = tune(speller, pairs)
    assert speller.weight == weight > 0
    assert mistakes(speller, pairs) == [[False] * 5]
    speller.weight = WEIGHTS[WEIGHTS.index(weight) - 1]  # it is the least that lets the context decide
    assert mistakes(speller, pairs) == [[False, False, False, True, False]]


def test_pairs_teach_how_words_are_mistyped_and_not_how_often(workspace: Path) -> None:
    pairs = [("opened", "opned"), ("students", "studnets")] * 20
    assert EditModel(pairs).log_prob("opned", "opened") > EditModel().log_prob("opned", "opened")
    assert Speller(None, WORDS, EditModel(pairs)).correct("there time")[0] == "there time"
