"""The comparison of two models on one text."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import unroll
from tests import trained
from tests.trained import CLEANING
from unroll.errors import UnrollError
from unroll.params.evaluate import Statistics
from unroll.use.comparison import compare
from unroll.use.model import TextModel

TEXTS = ["the students opened their books", "the time traveller arrived", "the zebra"] * 20
PARAMS = Statistics(block=50, resamples=200, confidence=0.9)


def test_bits_equal_those_of_evaluate_and_the_difference_is_signed(workspace: Path) -> None:
    trigram, chars = (unroll.load(workspace / "models" / name) for name in ("trigram", "chars"))
    result = compare(trigram, chars, TEXTS, PARAMS, 1)
    assert result.first == pytest.approx(trigram.evaluate(TEXTS).bits_per_byte)
    assert result.second == pytest.approx(chars.evaluate(TEXTS).bits_per_byte)
    assert result.difference.mean == pytest.approx(result.first - result.second)
    assert result.difference.low < result.difference.mean < result.difference.high
    reversed_result = compare(chars, trigram, TEXTS, PARAMS, 1)
    assert reversed_result.difference.mean == pytest.approx(-result.difference.mean)


def test_a_model_does_not_differ_from_itself(workspace: Path) -> None:
    hmm = unroll.load(workspace / "models" / "hmm")
    result = compare(hmm, hmm, TEXTS, PARAMS, 1)
    np.testing.assert_array_equal([result.difference.mean, result.difference.low, result.difference.high], 0)
    assert result.difference.p == 1


@pytest.mark.parametrize(
    ("setting", "value"), [("lowercase", False), ("invisible", "keep"), ("cleaning", "layout"), ("markup", "html")]
)
def test_models_of_texts_that_were_cleaned_differently_are_not_compared(
    workspace: Path, tmp_path: Path, setting: str, value: bool | str
) -> None:
    shutil.copytree(workspace / "models" / "chars", tmp_path / "cased")
    (tmp_path / "cased" / "cleaning.json").write_text(json.dumps(CLEANING | {setting: value}), encoding="utf-8")
    trigram, chars, cased = map(
        unroll.load, (workspace / "models" / "trigram", workspace / "models" / "chars", tmp_path / "cased")
    )
    message = (
        f"trigram and .*cased read differently cleaned texts.* {setting} is .* for the first and .* for the second"
    )
    with pytest.raises(UnrollError, match=message):
        compare(trigram, cased, TEXTS, PARAMS, 1)
    assert compare(trigram, chars, TEXTS, PARAMS, 1).first > 0


def test_the_command_refuses_with_one_sentence(workspace: Path, tmp_path: Path, unroll: trained.Run) -> None:
    shutil.copytree(workspace / "models" / "chars", tmp_path / "cased")
    (tmp_path / "cased" / "cleaning.json").write_text(json.dumps(CLEANING | {"lowercase": False}), encoding="utf-8")
    result = unroll("compare", "trigram", str(tmp_path / "cased"), text="the students\n")
    assert result.code == 1
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert "lowercase is true for the first and false for the second" in result.err


@pytest.mark.parametrize("name", ["trigram", "chars"])
def test_a_text_with_other_spacing_has_other_bits_per_byte(workspace: Path, name: str) -> None:
    """The cleaning keeps white space here. The tokens of the words are the same; other tokens are not."""
    model = unroll.load(workspace / "models" / name)
    model = TextModel(model.model, model.tokenizer, replace(model.cleaner, cleaning="layout"), model.folder)
    usual, unusual = "the students opened their books", "the  students\topened their\n books"
    bits = [model.score([text])[0].code.total for text in (usual, unusual)]
    assert bits[1] > bits[0] + 10
    assert model.evaluate([usual]).bits_per_byte == pytest.approx(bits[0] / (len(usual) + 1))
    assert model.evaluate([unusual]).bits_per_byte == pytest.approx(bits[1] / (len(unusual) + 1))


def test_a_tokenizer_of_an_earlier_release_has_no_bits_per_byte(workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "models" / "trigram", tmp_path / "old")
    path = tmp_path / "old" / "tokenizer.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({key: state[key] for key in ("type", "pretokenizer", "vocabulary")}), encoding="utf-8")
    old, new = unroll.load(tmp_path / "old"), unroll.load(workspace / "models" / "trigram")
    assert old.evaluate(TEXTS).perplexity == new.evaluate(TEXTS).perplexity
    assert np.isnan(old.evaluate(TEXTS).bits_per_byte)
    with pytest.raises(UnrollError, match="old is from an earlier release, whose tokenizers have no model of spacing"):
        compare(new, old, TEXTS, PARAMS, 1)
