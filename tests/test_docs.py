"""The examples of docs/use.md run, on toy models of the names they use."""

import re
from pathlib import Path

import pytest
import typer

from unroll.cli import app

USE = (Path(__file__).parent.parent / "docs" / "use.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", USE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_its_examples_run(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], block: str
) -> None:
    monkeypatch.chdir(place)
    exec(compile(block, "docs/use.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed
    if "speller" in block:
        assert printed.splitlines()[0] == "the students opened their books 0.0"
        assert printed.splitlines()[-1] == "The students opened their books"


def test_every_verb_of_a_model_is_there_with_an_example() -> None:
    named = set(re.findall(r"`([a-z]+) [A-Z]", USE)) - {"unroll"}
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for verb in named:
        assert f"unroll {verb} " in commands[verb].help
