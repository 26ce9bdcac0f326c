"""The repository is written in plain technical English: some words do not occur in it."""

import subprocess

import pytest

from tests.pipeline.closure import ROOT

BACKWARDS = ("thguon", "wena", "tsel", "rehtihw")
"""Words that are spelled backwards, so that this file does not contain them."""


@pytest.mark.parametrize("word", [word[::-1] for word in BACKWARDS], ids=BACKWARDS)
def test_an_archaic_word_does_not_occur(word: str) -> None:
    command = ["git", "grep", "-nwiI", "--untracked", "-e", word, "--", "."]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 1, found.stdout
