"""Vectors that others have trained: GloVe (Pennington, Socher and Manning 2014), word2vec (Mikolov et al. 2013).

A text file: on each line a word and its D numbers, separated by spaces; word2vec puts a line with the number of words
and D in front. A word may hold spaces itself: the last D fields are the numbers. Of a word that comes twice the first
vector counts. Words of the vocabulary are looked up as they are spelled, and those that the file lacks are counted.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from unroll.errors import UnrollError
from unroll.models import vectors
from unroll.models.vectors import Model, Vectors
from unroll.params.models import PretrainedParams
from unroll.partition import Data
from unroll.text.vocabulary import SPECIAL

load = vectors.load


def fit(params: PretrainedParams, data: Data, report: Callable[..., None], file: Path, words: Sequence[str]) -> Model:
    """The vectors in `file` of `words`, the spelling of every token, special ones included."""
    tokens = {word: token for token, word in enumerate(words) if token >= len(SPECIAL)}
    found: Vectors | None = None
    known = np.zeros(len(words), dtype=np.bool_)
    for word, vector in read(file):
        found = np.zeros((len(words), len(vector)), np.float32) if found is None else found
        if (token := tokens.get(word)) is not None and not known[token]:
            found[token], known[token] = vector, True
    if found is None:
        raise UnrollError(f"{file.name}: holds no vectors; give a file of GloVe or word2vec, as text")
    report(1, vectors=int(known.sum()), missing=len(tokens) - int(known.sum()))
    return Model(params, vectors.complete(found, known, params.missing, data.seed), known)


def read(file: Path) -> Iterator[tuple[str, Vectors]]:
    """Each word with its vector. UnrollError with the number of a line that is none."""
    size = 0
    with file.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(_text(lines, file), start=1):
            fields = line.rstrip(" \r\n").split(" ")
            if number == 1 and len(fields) == 2:
                continue  # word2vec's header
            size = size or len(fields) - 1
            word, numbers = " ".join(fields[:-size]), fields[-size:] if size else []
            try:
                vector = np.asarray(numbers, dtype=np.float32)
            except ValueError:
                vector = np.asarray([np.nan], dtype=np.float32)
            if not word or not size or not np.isfinite(vector).all():
                raise UnrollError(
                    f"{file.name}: line {number} is not a word and {size} numbers; give a file of GloVe or word2vec, "
                    "as text"
                )
            yield word, vector


def _text(lines: Iterator[str], file: Path) -> Iterator[str]:
    try:
        yield from lines
    except UnicodeDecodeError as error:
        raise UnrollError(f"{file.name}: is not UTF-8 text ({error.reason}); export the vectors as text") from error
