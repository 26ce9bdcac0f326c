"""`unroll complete --interactive` on a pseudo terminal."""

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

END = {"Ctrl-C": "\x03", "Ctrl-D": "\x04"}


@pytest.mark.parametrize("end", END.values(), ids=END)
def test_words_follow_every_key_and_the_terminal_is_restored(workspace: Path, end: str) -> None:
    with Terminal(workspace, "complete", "trigram", "--interactive") as terminal:
        terminal.wait("> ")
        terminal.press("the students opened their l")
        terminal.wait("laptops\x1b[1A")  # below the line, then the cursor goes back up
        terminal.press("\t")
        terminal.wait("> the students opened their laptops ")
        terminal.press("\x1b[D\x1bOA\x07")  # arrows and a bell do nothing
        terminal.wait("> the students opened their laptops ")
        terminal.press("\x7f" * 8 + "b\t")  # several keys at once
        terminal.wait("> the students opened their books ")
        terminal.press("\nthe ti")
        terminal.wait("time")
        assert terminal.settings() != terminal.initial_settings
        terminal.press(end)
        assert terminal.end() == 0
        assert terminal.settings() == terminal.initial_settings


def test_a_long_line_stays_one_line(workspace: Path) -> None:
    with Terminal(workspace, "complete", "chars", "--interactive", columns=24) as terminal:
        terminal.wait("> ")
        terminal.press("żółć " * 20 + "end")
        terminal.wait("end")
        terminal.press("\x04")
        assert terminal.end() == 0
