"""`unroll draw`: a diagram of a network as an SVG file."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.translators import save_translators
from tests.trained import Run
from unroll.use import load


def shown(path: Path) -> list[str]:
    return ["".join(each.itertext()) for each in ElementTree.fromstring(path.read_bytes()).iter() if "text" in each.tag]


def test_a_network_with_the_first_tokens_of_a_text(unroll: Run, workspace: Path) -> None:
    result = unroll("draw", "lstm", "lstm.svg", "--text", "the students opened their books")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert {"<bos>", "the", "students", "p(opened)"} <= set(shown(workspace / "lstm.svg"))
    assert any(text.startswith("lstm: ") and text.endswith(" parameters") for text in shown(workspace / "lstm.svg"))
    assert unroll("draw", "lstm", "plain.svg").code == 0
    assert {"<bos>", "x1", "p(x3)"} <= set(shown(workspace / "plain.svg"))


def test_a_translator_with_a_text_and_its_translation(unroll: Run, workspace: Path) -> None:
    save_translators(workspace)
    result = unroll("draw", "translator", "translator.svg", "--text", "the students opened their books")
    assert result.code == 0, result.err
    texts = shown(workspace / "translator.svg")
    source, target = load(workspace / "models/translator").model.vocabulary_sizes
    assert {"the", "students", "opened", f"1 of {source}", f"1 of {target}"} <= set(texts)
    words = load(workspace / "models/translator").translate(["the students opened their books"])[0].split()
    assert {f"p({word})" for word in words[:3]} <= set(texts)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["trigram", "x.svg"], "models/trigram: is no network with a diagram; name a model of family recurrent,"),
        (["bayes", "x.svg"], "models/bayes: is no network with a diagram; name a model of family recurrent,"),
        (["lstm", "nowhere/x.svg"], "nowhere/x.svg: cannot be written"),
        (["lstm", "x.png"], "x.png: is no name of an SVG file; name one that ends in .svg"),
        (["absent", "x.svg"], "absent"),
    ],
)
def test_errors_are_one_sentence(unroll: Run, workspace: Path, arguments: list[str], sentence: str) -> None:
    result = unroll("draw", *arguments)
    assert result.code == 1
    assert sentence in result.err
    assert result.err.count("\n") == 1
    assert not (workspace / arguments[1]).exists()
