"""Corpora sampled from a known source: the text, one document a line, and beside it the parameters it was sampled from.

Symbol i is the word "w<i>". The family `source` (unroll.models.oracle.model) reads source.json and source.safetensors again
and predicts the text with the true probabilities, which no model can beat but by luck.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from unroll.text.manifest import RawFile, write_manifest

TEXT, NUMBERS, ARRAYS = "text.txt", "source.json", "source.safetensors"

Symbols = NDArray[np.int64]
Floats = NDArray[np.float64]


class Table:
    """Draws from the rows of a matrix of probabilities (R, V), by inversion: one binary search for each draw."""

    def __init__(self, probabilities: Floats) -> None:
        cumulative = np.cumsum(probabilities, axis=1)
        cumulative /= cumulative[:, -1:]  # exactly 1 from the last possible symbol on
        self.flat = (cumulative + np.arange(len(cumulative))[:, None]).ravel()  # row r lies in (r, r + 1]
        self.width = probabilities.shape[1]

    def draw(self, rows: Symbols, generator: np.random.Generator) -> Symbols:
        """One symbol for each of `rows`."""
        found = np.searchsorted(self.flat, rows + generator.random(len(rows)), side="right")
        return np.minimum(found - rows * self.width, self.width - 1)  # r + u may round up to r + 1


def lengths(tokens: int, end: float, generator: np.random.Generator) -> Symbols:
    """Lengths of documents that end after each token with probability `end`, `tokens` together in expectation."""
    return generator.geometric(end, size=max(1, round(tokens * end)))


def columns(sizes: Symbols) -> tuple[list[Symbols], Symbols]:
    """For each position the documents that have one, and where each document starts when all lie end to end: what a
    sampler needs to draw all documents at once, position by position."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    longest_first = np.argsort(-sizes, kind="stable")
    counts = np.searchsorted(-sizes[longest_first], -np.arange(1, sizes.max() + 1), side="right")
    return [longest_first[:count] for count in counts], starts


def write(
    folder: Path, numbers: Mapping[str, Any], arrays: Mapping[str, Floats], tokens: Symbols, sizes: Symbols
) -> None:
    """Write text and parameters; document d is the next sizes[d] of `tokens`."""
    words = np.array([f"w{symbol}" for symbol in range(numbers["symbols"])], dtype=object)[tokens].tolist()
    ends = np.cumsum(sizes).tolist()
    with (folder / TEXT).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(" ".join(words[a:b]) + "\n" for a, b in zip([0, *ends], ends, strict=False))
    (folder / NUMBERS).write_text(json.dumps(numbers, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    save_file({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}, folder / ARRAYS)
    write_manifest(folder, [RawFile(TEXT, "text", documents="line")])
