"""Words of any script are completed as wholes by a model of characters, and sentences to their ends."""

import math
from pathlib import Path

import numpy as np
import pytest

import unroll
from tests import trained
from unroll.models.ngram.params import NgramParams
from unroll.params.tokenizers import CharTokenizerParams, WordTokenizerParams
from unroll.use.completion import complete_sentences
from unroll.use.model import TextModel

WORDS = {"Devanagari": "हिन्दी", "Persian": "می\u200cخواهم", "Thai": "น้ำแข็ง", "Tamil": "தமிழ்"}


@pytest.mark.parametrize("script", WORDS)
def test_marks_and_joiners_do_not_end_a_word(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained, "TEXTS", [f"x {WORDS[script]} y", f"x {WORDS[script]} z"] * 3)
    params = NgramParams.model_validate(trained.TRIGRAM | {"order": 6})
    trained.train(tmp_path, "script", CharTokenizerParams.model_validate(trained.CHARS), params)
    model = unroll.load(tmp_path / "models" / "script")
    assert [one.word for one in model.complete("x", 1)] == [WORDS[script]]
    assert [one.word for one in model.complete(f"x {WORDS[script][:2]}", 1, partial=True)] == [WORDS[script]]


@pytest.mark.parametrize("space", [" ", "\t", "\u3000", "\u00a0"])
@pytest.mark.parametrize("name", ["trigram", "chars"])
def test_any_white_space_ends_a_word(workspace: Path, name: str, space: str) -> None:
    model = unroll.load(workspace / "models" / name)
    assert model.complete(f"the{space}stud", 3, partial=True) == model.complete("the stud", 3, partial=True) != []
    assert model.complete(f"the{space}", 3, partial=True) == model.complete("the ", 3, partial=True)


def endings(model: TextModel, text: str, count: int) -> dict[str, float]:
    found = complete_sentences(
        model.language_model("complete"), model.tokenizer, model.cleaner, model.spellings, text, count
    )
    assert [one.log_prob for one in found] == sorted((one.log_prob for one in found), reverse=True)
    return {one.text: one.log_prob for one in found}


@pytest.mark.parametrize("name", ["trigram", "hmm", "lstm", "chars"])
def test_sentences_end_where_the_text_ends_with_their_probability(workspace: Path, name: str) -> None:
    """No toy text has a full stop, so a sentence ends with <eos>: log p is that of the whole text without its begin."""
    model = unroll.load(workspace / "models" / name)
    found = endings(model, "the students opened", 3)
    assert 0 < len(found) <= 3
    if name in ("trigram", "chars"):
        assert next(iter(found)) == "the students opened their books"
    if name == "trigram":
        assert [*found][1] == "the students opened their laptops"
    kept = {text: log_prob for text, log_prob in found.items() if model.cleaner(text) == text}  # no space at the end
    assert kept
    for text, log_prob in kept.items():
        whole = model.token_scores([text])[0]
        begin = len(model.encode("the students opened"))
        assert log_prob == pytest.approx(sum(token.log_prob for token in whole[begin:]), rel=1e-6)


def test_a_sentence_ends_after_a_full_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sentences are a document: the probability is that of the first one alone, by enumeration."""
    monkeypatch.setattr(trained, "TEXTS", ["a b . c d .", "a e . c d .", "a b ! c d ."])
    words = WordTokenizerParams.model_validate(trained.WORDS | {"shared_vocabulary": True, "vocabulary_size": "all"})
    trained.train(tmp_path, "dots", words, NgramParams.model_validate(trained.TRIGRAM))
    model = unroll.load(tmp_path / "models" / "dots")
    found = endings(model, "a", 3)
    assert [*found] == ["a b .", "a b !", "a e ."] or [*found] == ["a b !", "a b .", "a e ."]
    language, state = model.model, model.model.start(1)
    expected = 0.0
    for number, word in enumerate(["a", "e", "."]):
        (token,) = model.tokenizer.encode(word)
        expected += float(language.next_log_probs(state)[0, token]) if number else 0.0
        state = language.advance(state, np.asarray([token]))
    assert found["a e ."] == pytest.approx(expected)
    assert math.fsum(map(math.exp, endings(model, "a", 24).values())) <= 1
