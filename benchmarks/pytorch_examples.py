"""The word_language_model of github.com/pytorch/examples, which is measured beside the training of this project."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

WINDOWS = 3
"""The number of windows of steps that the script runs. The first one is not counted."""


def is_checkout(folder: Path) -> bool:
    """Return whether a folder is a checkout of pytorch/examples."""
    return (folder / "word_language_model/main.py").is_file()


def write_text(folder: Path, lines: Sequence[Sequence[str]]) -> None:
    """Write tokenized lines as the files that word_language_model reads."""
    text = "\n".join(" ".join(line) for line in lines) + "\n"
    for split in ("train", "valid", "test"):
        (folder / f"{split}.txt").write_text(text if split == "train" else text[:10_000], encoding="utf-8")


def measure_seconds(examples: Path, folder: Path, options: dict[str, int], steps: int) -> list[float]:
    """Run word_language_model until it has printed the milliseconds per batch of three windows.

    Args:
        examples: A checkout of pytorch/examples.
        folder: The folder of the text, in which the script also saves its model.
        options: Options of the script by name.
        steps: The number of steps to measure; a window has half of them.

    Returns:
        The seconds of each step, of which the script reports the mean of a window.
    """
    options = options | {"log-interval": max(1, steps // 2)}
    command = [sys.executable, "-u", "main.py", "--data", str(folder), "--save", str(folder / "model.pt")]
    command += [f"--{name}={value}" for name, value in options.items()]
    process = subprocess.Popen(command, cwd=examples / "word_language_model", stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seconds: list[float] = []
    for line in process.stdout:
        if match := re.search(r"ms/batch +([\d.]+)", line):
            seconds.append(float(match[1]) / 1000)
        if len(seconds) == WINDOWS:
            break
    process.kill()
    process.wait()
    return seconds[1:] * (steps // 2)
