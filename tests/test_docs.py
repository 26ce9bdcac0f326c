"""The examples of docs/use.md run, on toy models of the names they use; those of docs/translation.md are valid."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from ruamel.yaml import YAML

from unroll.cli import app
from unroll.params.corpora import PathCorpus
from unroll.params.tokenizers import BpeTokenizerParams

DOCS = Path(__file__).parent.parent / "docs"
USE = (DOCS / "use.md").read_text(encoding="utf-8")
TRANSLATION = (DOCS / "translation.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\$ (.*unroll .*)$", USE, re.MULTILINE)
MAINTENANCE = {
    "experiments",
    "plan",
    "repro",
    "sweep",
    "apply",
    "sync",
    "ui",
    "doctor",
    "verify",
    "reproduce",
    "environment",
    "leaderboard",
    "runs",
}
BLOCKS = re.findall(r"```python\n(.*?)```", USE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_its_examples_run(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], block: str
) -> None:
    monkeypatch.chdir(workspace)
    exec(compile(block, "docs/use.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed
    if "speller" in block:
        assert printed.splitlines()[0] == "the students opened their books 0.0"
        assert printed.splitlines()[-1] == "The students opened their books"


@pytest.mark.parametrize("line", LINES)
def test_its_commands_are_understood(line: str) -> None:
    """With the options they name: the models that they ran on are not here."""
    _, _, command = line.rpartition("unroll ")
    verb, *arguments = shlex.split(command)
    found = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    assert found.make_context(verb, arguments).params


def test_every_verb_of_a_model_is_there_with_an_example() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    named = {verb for line in LINES for verb in re.findall(r"unroll (\w+)", line)} | {"serve"}
    assert named >= set(commands) - MAINTENANCE
    for verb in named:
        assert f"unroll {verb} " in commands[verb].help


def test_the_overlay_for_own_pairs_is_valid() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", TRANSLATION, re.DOTALL)
    overlay = YAML(typ="safe").load(block)
    assert PathCorpus.model_validate(overlay["corpora"]["mine"]).format == "pairs"
    assert BpeTokenizerParams.model_validate(overlay["tokenizers"]["mine_bpe"]).corpus == "mine"
