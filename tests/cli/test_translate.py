"""`unroll translate`: any lines, separate vocabularies, pictures of the attention, errors of one sentence."""

import fcntl
import json
import os
import pty
import select
import shutil
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
import torch

from tests import trained
from tests.models.test_contract import SEQ2SEQ
from tests.trained import Run
from unroll.models.seq2seq import model as seq2seq
from unroll.models.seq2seq.network import EncoderDecoder
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.params.tokenizers import WordTokenizerParams
from unroll.text.tokenizers.loading import learn_tokenizer

DUTCH = ["de studenten openden hun boeken", "de tijdreiziger kwam aan"]


@pytest.fixture(scope="module", autouse=True)
def _translators(workspace: Path) -> None:
    """models/translator, with attention, and models/bottleneck, without attention, both with random weights."""
    tokens = WordTokenizerParams.model_validate(trained.WORDS | {"shared_vocabulary": False, "vocabulary_size": "all"})
    source, target = (
        learn_tokenizer(tokens, trained.Lines(trained.TEXTS)),
        learn_tokenizer(tokens, trained.Lines(DUTCH)),
    )
    sizes = source.vocabulary_size, target.vocabulary_size
    for name, attention in (("translator", "dot"), ("bottleneck", "none")):
        torch.manual_seed(1)
        params = Seq2seqParams.model_validate(SEQ2SEQ | {"attention": attention})
        folder = workspace / "models" / name
        folder.mkdir()
        seq2seq.Model(params, sizes, EncoderDecoder(params, *sizes)).save(folder)
        target.save(folder / "tokenizer.json", source)
        shutil.copyfile(workspace / "models/trigram/cleaning.json", folder / "cleaning.json")


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
    found = unroll("translate", "translator", "texts.txt", "--beam", "2")
    assert found.out == unroll("translate", "translator", "-", "--beam", "2", text=text).out
    assert found.out.count("\n") == 120


@pytest.mark.parametrize("line", ["the " * 500, "学生 żółć 🙂 \x1b[31m", "?!", "x" * 5000])
def test_hard_lines(unroll: Run, line: str) -> None:
    result = unroll("translate", "translator", "--beam", "2", text=line + "\n")
    assert (result.code, result.out.count("\n"), result.err) == (0, 1, "")
    assert "\x1b" not in result.out


class Terminal:
    """The command on a pseudo terminal."""

    def __init__(self, workspace: Path, *arguments: str) -> None:
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "unroll", *arguments],
            cwd=workspace,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # Ctrl-C becomes a signal
        )
        os.close(theirs)

    def until(self, end: str, again: str = "") -> str:
        """Return the output before `end`. If there is no output for 5 seconds, type `again`.

        Python loses an interrupt between the output of its prompt and the wait for a key.
        """
        shown = ""
        deadline = time.monotonic() + 120
        while not shown.endswith(end):
            if select.select([self.ours], [], [], 5)[0]:
                shown += os.read(self.ours, 1).decode()
            else:
                assert time.monotonic() < deadline, f"no output after {shown!r}"
                self.type(again)
        return shown.removesuffix(end)

    def type(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def close(self) -> int:
        try:
            return self.process.wait(120)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.ours)


@pytest.mark.parametrize("key", ["\x04", "\x03"], ids=["Ctrl-D", "Ctrl-C"])
def test_lines_typed_on_a_terminal(workspace: Path, key: str) -> None:
    terminal = Terminal(workspace, "translate", "translator")
    assert terminal.until("> ") == ""
    terminal.type("the students\n")
    typed, translation = terminal.until("\r\n> ").split("\r\n")
    assert typed == "the students"
    assert set(translation.split()) <= {word for text in DUTCH for word in text.split()} | {"<unk>"}
    terminal.type("\n")
    assert terminal.until("> ") == "\r\n\r\n"
    terminal.type(key)
    assert "Traceback" not in terminal.until("\r\n", again=key)
    assert terminal.close() == 0


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
    assert [set(found) for found in one["translations"]] == [{"text", "log_prob"}] * 2
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
