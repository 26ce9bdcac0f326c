"""Words of any script are completed as wholes by a model of characters."""

from pathlib import Path

import pytest

import unroll
from tests import trained
from unroll.models.ngram.params import NgramParams
from unroll.params.tokenizers import CharTokenizerParams

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
