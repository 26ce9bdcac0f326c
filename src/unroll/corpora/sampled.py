"""Text sampled from a known distribution, with the parameters of the distribution.

The text has one document per line. Symbol i of a random distribution is the word "w<i>". The family `oracle`
(`unroll.models.oracle`) reads the parameters and predicts the text with its true probabilities.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from unroll.text.manifest import RawFile, write_manifest

TEXT_FILE, SETTINGS_FILE, ARRAYS_FILE = "text.txt", "source.json", "source.safetensors"

Symbols = NDArray[np.int64]
Floats = NDArray[np.float64]


class CategoricalRows:
    """Categorical distributions, one for each row of a matrix (R, V), that are sampled by inversion."""

    def __init__(self, probabilities: Floats) -> None:
        """Compute the cumulative probabilities; each row of `probabilities` (R, V) is normalized."""
        cumulative = np.cumsum(probabilities, axis=1)
        cumulative /= cumulative[:, -1:]  # exactly 1 from the last symbol with a positive probability
        self.flat = (cumulative + np.arange(len(cumulative))[:, None]).ravel()  # row r lies in (r, r + 1]
        self.width = probabilities.shape[1]

    def draw(self, rows: Symbols, generator: np.random.Generator) -> Symbols:
        """Draw one symbol from each of the given rows (N,); the result has the same shape."""
        positions = np.searchsorted(self.flat, rows + generator.random(len(rows)), side="right")
        return np.minimum(positions - rows * self.width, self.width - 1)  # rounding can turn r + u into r + 1


def draw_distributions(count: int, outcomes: int, concentration: float, generator: np.random.Generator) -> Floats:
    """Draw distributions (count, outcomes) from a symmetric Dirichlet distribution."""
    return normalize(generator.dirichlet(np.full(outcomes, concentration), size=count))


def normalize(probabilities: Floats) -> Floats:
    """Round probabilities (..., V) to the precision of 32-bit floats, and divide each row by its sum.

    Logarithms and linear algebra differ in the last bits between processors and systems. The rounded probabilities, and
    so the sampled text, have the same bytes everywhere.
    """
    rounded = probabilities.astype(np.float32).astype(np.float64)
    return rounded / np.cumsum(rounded, axis=-1)[..., -1:]  # cumsum adds in a fixed order


def draw_lengths(expected_tokens: int, stop_probability: float, generator: np.random.Generator) -> Symbols:
    """Draw the lengths (D,) of documents that end after each token with a fixed probability.

    Args:
        expected_tokens: The expected sum of the lengths.
        stop_probability: The probability that a document ends after a token.
        generator: The source of randomness.
    """
    return generator.geometric(stop_probability, size=max(1, round(expected_tokens * stop_probability)))


def active_documents(lengths: Symbols) -> tuple[list[Symbols], Symbols]:
    """Return what a sampler needs to draw all documents at once, position by position.

    Args:
        lengths: The lengths of the documents (D,).

    Returns:
        For each position the documents that have a token there, and the offset (D,) of each document in the array of
        all tokens.
    """
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    longest_first = np.argsort(-lengths, kind="stable")
    counts = np.searchsorted(-lengths[longest_first], -np.arange(1, lengths.max() + 1), side="right")
    return [longest_first[:count] for count in counts], starts


def write_corpus(
    folder: Path, settings: Mapping[str, Any], arrays: Mapping[str, Floats | Symbols], documents: Iterable[str]
) -> None:
    """Write the text, its manifest and the parameters of the distribution.

    Args:
        folder: The empty raw folder.
        settings: The kind of the distribution and its sizes.
        arrays: The probabilities.
        documents: The text of each document.
    """
    with (folder / TEXT_FILE).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{document}\n" for document in documents)
    (folder / SETTINGS_FILE).write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    save_file({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}, folder / ARRAYS_FILE)
    write_manifest(folder, [RawFile(TEXT_FILE, "text", documents="line")])


def to_documents(words: Sequence[str], tokens: Symbols, lengths: Symbols) -> Iterator[str]:
    """Yield the words of each document, separated by spaces.

    Args:
        words: The word of each symbol.
        tokens: The symbols of all documents, one document after the other.
        lengths: The lengths of the documents.
    """
    found = np.array(words, dtype=object)[tokens].tolist()
    ends = np.cumsum(lengths).tolist()
    return (" ".join(found[a:b]) for a, b in zip([0, *ends], ends, strict=False))


def numbered(size: int) -> list[str]:
    """Return the words w0, w1, ... of a vocabulary."""
    return [f"w{symbol}" for symbol in range(size)]
