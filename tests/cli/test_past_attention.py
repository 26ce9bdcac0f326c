"""`unroll score --attention`: a picture of the attention of a network to its own past."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests import trained
from tests.models.test_contract import RECURRENT
from tests.trained import Run
from unroll.models.recurrent.model import Model, Network
from unroll.models.recurrent.params import RecurrentParams
from unroll.params.tokenizers import WordTokenizerParams
from unroll.text.tokenizers.loading import learn_tokenizer
from unroll.use import load
from unroll.use.past_attention import map_past_attention


@pytest.fixture
def attentive(workspace: Path) -> Path:
    """models/attentive, a network with random weights."""
    folder = workspace / "models" / "attentive"
    if not folder.exists():
        tokens = WordTokenizerParams.model_validate(
            trained.WORDS | {"shared_vocabulary": True, "vocabulary_size": "all"}
        )
        tokenizer = learn_tokenizer(tokens, trained.Lines(trained.TEXTS))
        torch.manual_seed(1)
        params = RecurrentParams.model_validate(
            RECURRENT | {"cell": "gru", "attention": {"kind": "general", "context": 3}}
        )
        folder.mkdir()
        Model(params, tokenizer.vocabulary_size, Network(params, tokenizer.vocabulary_size)).save(folder)
        tokenizer.save(folder / "tokenizer.json")
        trained.save_cleaning(folder)
    return folder


def test_a_map_has_the_words_read_and_the_words_predicted(attentive: Path) -> None:
    found = map_past_attention(load(attentive), "the students opened zebras", 80)
    assert found.source == ["<bos>", "the", "students", "opened", "<unk>"]
    assert found.target == ["the", "students", "opened", "<unk>", "<eos>"]
    np.testing.assert_allclose(found.weights.sum(1), [0, 1, 1, 1, 1], atol=1e-6)
    assert found.weights[4, 0] == 0  # four states back
    short = map_past_attention(load(attentive), "the students opened zebras", 2)
    assert short.target == ["the", "students"]
    np.testing.assert_allclose(short.weights, found.weights[:2, :2], atol=1e-6)


@pytest.mark.parametrize("name", ["attention.png", "attention.svg"])
@pytest.mark.usefixtures("attentive")
def test_a_picture_of_the_first_line(unroll: Run, workspace: Path, name: str, monkeypatch: Any) -> None:
    from unroll.report import figures

    drawn: list[Any] = []
    draw = figures.draw_attention
    monkeypatch.setattr(figures, "draw_attention", lambda *parts: drawn.append(parts) or draw(*parts))
    result = unroll("score", "attentive", "--attention", name, text="\nthe students opened\nthe\n")
    assert result.code == 0, result.err
    assert [target for _, target, _ in drawn] == [["the", "students", "opened", "<eos>"]]
    assert (workspace / name).read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")
    assert result.out == unroll("score", "attentive", text="\nthe students opened\nthe\n").out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["trigram", "--attention", "x.png"], "models/trigram: has no attention to its past to draw; use a model of"),
        (["lstm", "--attention", "x.png"], "models/lstm: has no attention to its past to draw; use a model of family"),
        (["bayes", "--attention", "x.png"], "does not score; it supports: classify"),
        (["attentive", "--attention", "nowhere/x.png"], "nowhere/x.png: cannot be written"),
        (["attentive", "--attention", "x.txt"], "x.txt: cannot be written"),
    ],
)
@pytest.mark.usefixtures("attentive")
def test_errors_are_one_sentence(unroll: Run, arguments: list[str], sentence: str) -> None:
    result = unroll("score", *arguments, text="the books\n")
    assert result.code == 1
    assert sentence in result.err
    assert result.err.count("\n") == 1
    assert result.out == ""
