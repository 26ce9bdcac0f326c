"""`unroll translate`: any lines, separate vocabularies, pictures of the attention, errors of one sentence."""

import json
from pathlib import Path

import pytest

import unroll as library
from tests import trained
from tests.cli.terminal import Terminal
from tests.cli.translators import DUTCH, save_translators
from tests.trained import Run


@pytest.fixture(scope="module", autouse=True)
def _translators(workspace: Path) -> None:
    save_translators(workspace)


def test_each_line_has_a_translation_and_an_empty_line_an_empty_one(unroll: Run) -> None:
    result = unroll("translate", "translator", text="the students\n\n  \nthe time traveller\n")
    assert result.code == 0
    lines = result.out.split("\n")
    assert len(lines) == 5
    assert lines[1] == lines[2] == lines[4] == ""
    dutch = {word for text in DUTCH for word in text.split()} | {"<unk>"}
    assert set(f"{lines[0]} {lines[3]}".split()) <= dutch


def test_a_file_and_standard_input_have_equal_translations(unroll: Run, workspace: Path) -> None:
    text = "".join(f"{line}\n" for line in trained.TEXTS * 40)
    (workspace / "texts.txt").write_text(text, encoding="utf-8")
    output = unroll("translate", "translator", "texts.txt", "--beam", "2")
    assert output.out == unroll("translate", "translator", "-", "--beam", "2", text=text).out
    assert output.out.count("\n") == 120


def test_the_default_search_is_that_of_python(unroll: Run, workspace: Path) -> None:
    expected = library.load(workspace / "models" / "bottleneck").translate(trained.TEXTS)
    assert unroll("translate", "bottleneck", text="\n".join(trained.TEXTS)).out.splitlines() == expected


@pytest.mark.parametrize("line", ["the " * 500, "学生 żółć 🙂 \x1b[31m", "?!", "x" * 5000])
def test_hard_lines(unroll: Run, line: str) -> None:
    result = unroll("translate", "translator", "--beam", "2", text=line + "\n")
    assert (result.code, result.out.count("\n"), result.err) == (0, 1, "")
    assert "\x1b" not in result.out


@pytest.mark.parametrize("key", ["\x04", "\x03"], ids=["Ctrl-D", "Ctrl-C"])
def test_lines_typed_on_a_terminal(workspace: Path, key: str) -> None:
    with Terminal(workspace, "translate", "translator") as terminal:
        assert terminal.wait("> ") == "> "
        terminal.press("the students\n")
        typed, translation, _ = terminal.wait("\r\n> ").split("\r\n")
        assert typed == "the students"
        assert set(translation.split()) <= {word for text in DUTCH for word in text.split()} | {"<unk>"}
        terminal.press("\n")
        assert terminal.wait("> ") == "\r\n\r\n> "
        terminal.press(key)
        assert "Traceback" not in terminal.wait("\r\n", again=key)
        assert terminal.end() == 0


def test_sampled_translations_depend_on_the_seed_and_the_line_alone(unroll: Run) -> None:
    text = "the students\n\nthe time traveller\nthe students\n"
    drawn = unroll("translate", "translator", "--temperature", "1", text=text).out.split("\n")
    assert len(drawn) == 5
    assert drawn[1] == ""
    assert unroll("translate", "translator", "--temperature", "1", text=text).out.split("\n") == drawn
    assert unroll("translate", "translator", "--temperature", "1", text="the students\n").out == f"{drawn[0]}\n"
    seeds = {unroll("translate", "translator", "--temperature", "3", "--seed", str(n), text=text).out for n in range(8)}
    assert len(seeds) > 1


def test_at_temperature_zero_the_translation_is_that_of_greedy_search(unroll: Run) -> None:
    text = "\n".join(trained.TEXTS)
    greedy = unroll("translate", "bottleneck", "--beam", "1", text=text).out
    assert unroll("translate", "bottleneck", "--temperature", "0", text=text).out == greedy
    for option in ("--beam", "--nbest", "--length-penalty", "--coverage-penalty"):
        result = unroll("translate", "bottleneck", "--temperature", "1", option, "2", text=text)
        assert (result.code, result.out) == (1, "")
        assert "--temperature draws one translation" in result.err


def test_nbest_are_different_and_ordered(unroll: Run) -> None:
    result = unroll("translate", "bottleneck", "--nbest", "3", "--length-penalty", "0", text="\nthe books\n")
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert [row[0] for row in rows] == ["2"] * 3
    assert [float(row[1]) for row in rows] == sorted((float(row[1]) for row in rows), reverse=True)
    assert len({row[2] for row in rows}) == 3


def test_json_lines(unroll: Run) -> None:
    result = unroll("translate", "translator", "--json", "--nbest", "2", text="the books\n\n")
    one, empty = (json.loads(line) for line in result.out.splitlines())
    assert one["text"] == "the books"
    assert [set(output) for output in one["translations"]] == [{"text", "log_prob"}] * 2
    assert empty["translations"] == []


def test_a_picture_of_the_attention(unroll: Run, workspace: Path) -> None:
    result = unroll("translate", "translator", "--attention", "attention.png", text="\nthe books $x$\nthe\n")
    assert result.code == 0
    assert (workspace / "attention.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["trigram"], "does not translate; it supports: score"),
        (["bayes"], "does not translate; it supports: classify"),
        (["bottleneck", "--attention", "x.png"], "has no attention to draw"),
        (["translator", "--attention", "nowhere/x.png"], "nowhere/x.png: cannot be written"),
        (["translator", "absent.txt"], "absent.txt: cannot be read"),
        (["translator", "empty.txt"], "empty.txt: the file is empty"),
        (["translator", "binary.txt"], "binary.txt: binary data"),
        (["translator", "long.txt"], "long.txt: line 2: is longer than 1,000,000 characters"),
    ],
)
def test_errors_are_one_sentence(unroll: Run, workspace: Path, arguments: list[str], sentence: str) -> None:
    (workspace / "empty.txt").write_bytes(b"")
    (workspace / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (workspace / "long.txt").write_text("\n" + "a" * 1_048_576, encoding="utf-8")
    result = unroll("translate", *arguments, text="the books\n")
    assert result.code == 1
    assert sentence in result.err
    assert result.err.count("\n") == 1
