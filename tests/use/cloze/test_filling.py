"""Filling blanks, on a model that is known, and by the verb."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from tests.models.test_bidirectional import PARAMS
from tests.trained import CLEANING, TRAINING, WORDS, Run, train
from unroll.errors import UnrollError
from unroll.models.bidirectional.params import BidirectionalParams
from unroll.params.tokenizers import WordTokenizerParams
from unroll.text.cleaner import Cleaner
from unroll.text.tokenizers.word import WordTokenizer
from unroll.use.cloze.filling import fill_blanks
from unroll.use.model import TextModel


class Known:
    """A model that expects in a blank the word after the one before it."""

    def cloze_log_probs(self, documents: Any) -> Any:
        raise NotImplementedError

    def blank_log_probs(self, document: Any, blanks: Any) -> Any:
        self.document = document.tolist()
        log_probs = np.full((len(blanks), 8), np.log(0.02))
        log_probs[:, 2] = np.log(0.5)  # <eos>, which fills no blank
        for row, blank in enumerate(blanks):
            log_probs[row, (document[blank - 1] + 1) if blank else 4] = np.log(0.4)
        return log_probs


def test_blanks_are_filled_in_their_places() -> None:
    tokenizer = WordTokenizer(["a", "b", "c", "d"], "whitespace")
    known = Known()
    model = TextModel(known, tokenizer, Cleaner(**CLEANING), Path("known"))  # type: ignore[arg-type]
    found = fill_blanks(model, "A b ___ c ___", count=2)
    assert known.document == [4, 5, 3, 6, 3]
    assert [[one.token for one in blank] for blank in found] == [["c", "a"], ["d", "a"]]
    assert [blank[0].probability for blank in found] == pytest.approx([0.4, 0.4])
    assert [one.token for one in fill_blanks(model, "___", 9)[0]] == ["a", "b", "c", "d"]
    with pytest.raises(UnrollError, match="the text has no blank; write ___ for each word to find"):
        fill_blanks(model, "a b __ c")


def save_both(workspace: Path) -> None:
    """Save a bidirectional model as `both`."""
    if (workspace / "models" / "both").exists():
        return
    settings = PARAMS | {"training": TRAINING | {"epochs": 30, "patience": 30, "learning_rate": 0.05}}
    params: BidirectionalParams = TypeAdapter(BidirectionalParams).validate_python(settings)
    words = WordTokenizerParams.model_validate(WORDS | {"shared_vocabulary": True, "vocabulary_size": "all"})
    train(workspace, "both", words, params)


def test_the_verb(unroll: Run, workspace: Path) -> None:
    save_both(workspace)
    result = unroll("fill", "both", "the students ___ their ___", "--count", "2")
    assert result.code == 0, result.err
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert [row[0] for row in rows] == ["1", "1", "2", "2"]
    assert rows[0][2] == "opened"
    assert {rows[2][2], rows[3][2]} == {"books", "laptops"}
    first = json.loads(unroll("fill", "both", "the students ___ their ___", "--json").out.splitlines()[0])
    assert first["blank"] == 1
    assert first["fillings"][0]["token"] == "opened"
    assert first["fillings"][0]["probability"] == pytest.approx(float(rows[0][1]), abs=1e-4)


def test_a_model_of_one_side_is_refused(unroll: Run) -> None:
    assert "trigram: does not fill blanks; it supports: score" in unroll("fill", "trigram", "a ___").err
    assert unroll("fill", "trigram", "a ___").code == 1
