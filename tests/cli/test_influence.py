"""`unroll score --influence`: a picture of how much each earlier token moves each prediction."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trained import Run
from unroll.use import load
from unroll.use.influence import map_influence


def test_a_map_has_the_tokens_of_the_text_and_is_cut(workspace: Path) -> None:
    found = map_influence(load(workspace / "models/trigram"), "the students opened zebras", 80)
    assert found.tokens == ["the", "students", "opened", "<unk>", "<eos>"]
    assert found.nats.shape == (5, 5)
    assert found.nats[1, 0] != 0
    np.testing.assert_array_equal(np.tril(found.nats, -3), 0)
    short = map_influence(load(workspace / "models/trigram"), "the students opened zebras", 2)
    assert short.tokens == ["the", "students"]
    np.testing.assert_allclose(short.nats, found.nats[:2, :2])


@pytest.mark.parametrize("name", ["influence.png", "influence.svg", "influence.json"])
@pytest.mark.parametrize("model", ["trigram", "lstm"])
def test_a_picture_or_the_numbers_of_the_first_line(unroll: Run, workspace: Path, model: str, name: str) -> None:
    text = "\nthe students opened\nthe\n"
    result = unroll("score", model, "--influence", name, text=text)
    assert result.code == 0, result.err
    assert result.out == unroll("score", model, text=text).out
    written = (workspace / name).read_bytes()
    if name.endswith(".json"):
        values = json.loads(written)
        assert values["tokens"] == ["the", "students", "opened", "<eos>"]
        expected = map_influence(load(workspace / "models" / model), "the students opened", 80).nats
        np.testing.assert_allclose(values["nats"], expected)
    else:
        assert written[:5] in (b"\x89PNG\r", b"<?xml")


def test_a_replacement_keeps_the_places_of_the_other_tokens(unroll: Run, workspace: Path) -> None:
    result = unroll("score", "lstm", "--influence", "x.json", "--replacement", "<unk>", text="the students opened\n")
    assert result.code == 0, result.err
    model = load(workspace / "models/lstm")
    expected = map_influence(model, "the students opened", 80, "<unk>").nats
    np.testing.assert_allclose(json.loads((workspace / "x.json").read_text())["nats"], expected)
    assert np.abs(expected - map_influence(model, "the students opened", 80).nats).max() > 1e-4


def test_the_colours_are_symmetric_and_only_earlier_tokens_have_one() -> None:
    from unroll.report.figures import draw_influence

    figure = draw_influence(["a", "b", "$c"], np.array([[0, 0, 0], [-2.0, 0, 0], [np.inf, 0.5, 0]]))
    image = figure.axes[0].images[0]
    assert image.get_clim() == (-2, 2)
    drawn: Any = image.get_array()
    np.testing.assert_array_equal(drawn.filled(np.nan), [[np.nan] * 3, [-2, np.nan, np.nan], [2, 0.5, np.nan]])
    assert draw_influence(["a"], np.zeros((1, 1))).axes[0].images[0].get_clim() == (-1, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bayes", "--influence", "x.png"], "does not score; it supports: classify"),
        (["trigram", "--influence", "nowhere/x.png"], "nowhere/x.png: cannot be written"),
        (["trigram", "--influence", "nowhere/x.json"], "nowhere/x.json: cannot be written"),
        (["trigram", "--influence", "x.txt"], "x.txt: cannot be written"),
        (["trigram", "--influence", "x.png", "--replacement", "zebra"], "its vocabulary lacks 'zebra'; name another"),
        (["trigram", "--influence", "x.png", "--replacement", "<bos>"], "its vocabulary lacks '<bos>'; name another"),
        (["trigram", "--replacement", "the"], "--replacement needs --influence, whose tokens it replaces; give both"),
    ],
)
def test_errors_are_one_sentence(unroll: Run, arguments: list[str], sentence: str) -> None:
    result = unroll("score", *arguments, text="the books\n")
    assert result.code == 1
    assert sentence in result.err
    assert result.err.count("\n") == 1
    assert result.out == ""
