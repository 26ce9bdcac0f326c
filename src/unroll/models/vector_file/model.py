"""Word vectors from a file of GloVe (Pennington, Socher and Manning 2014) or word2vec (Mikolov et al. 2013).

Each line of the text file has a word and its D numbers, separated by spaces or tabs. Files of word2vec begin with a
line that has the number of words and D. A word may contain spaces: the last D fields are the numbers. If a word occurs
twice, its first vector is used. The words of the vocabulary are looked up in their exact spelling.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice, takewhile
from pathlib import Path

import numpy as np

from unroll.errors import UnrollError
from unroll.models.base import word_vectors
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log
from unroll.models.base.word_vectors import Model, Vectors
from unroll.models.vector_file.params import VectorFileParams
from unroll.text.encoding import decode_lines
from unroll.text.streams import Data
from unroll.text.tokenizers.vocabulary import SPECIAL

load = word_vectors.load
ASCII_SPACE = " \t\r\n"
FIELD = re.compile(r"[ \t]+")
"""What separates fields. Other spaces, such as U+00A0, occur in words."""
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
WHOLE = re.compile(r"[0-9]{1,9}")
HEADER_FIELDS = 2
SAMPLE = 1000
"""The number of lines in which the number of dimensions is found if there is no header."""
LARGEST = float(np.finfo(np.float32).max)


def fit(params: VectorFileParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Read the vectors of the vocabulary, or of all words, from a file.

    Args:
        params: The settings, which name the file.
        data: The partition.
        inputs: Where the file and the tokenizer are found.
        log: Receives the numbers of tokens with and without a vector.

    Returns:
        The vectors.

    Raises:
        UnrollError: The file has no vectors, or a line that is not a vector.
    """
    tokenizer = inputs.tokenizer(params.tokenizer)
    words = [tokenizer.id_to_token(token) for token in range(tokenizer.vocabulary_size)]
    with inputs.local_copy(params.file, "vectors") as file:
        return select_vectors(params, data, file, words, log)


def select_vectors(params: VectorFileParams, data: Data, file: Path, words: Sequence[str], log: Log) -> Model:
    """Select the vectors of a vocabulary from a file, and those of all other words if `keep` is `all`.

    Args:
        params: The settings.
        data: The partition, for its seed.
        file: The file.
        words: The spelling of every token (V,), the special tokens included.
        log: Receives the numbers of tokens with and without a vector.

    Returns:
        The vectors.

    Raises:
        UnrollError: The file has no vectors, or a line that is not a vector.
    """
    tokens = {word: token for token, word in enumerate(words) if token >= len(SPECIAL)}
    vectors: Vectors | None = None
    known = np.zeros(len(words), dtype=np.bool_)
    others: dict[str, Vectors] = {}
    for word, vector in read_vectors(file):
        vectors = np.zeros((len(words), len(vector)), np.float32) if vectors is None else vectors
        if (token := tokens.get(word)) is None:
            if params.keep == "all":
                others.setdefault(word, vector)
        elif not known[token]:
            vectors[token], known[token] = vector, True
    if vectors is None:
        raise UnrollError(f"{file.name}: has no vectors; give a file of GloVe or word2vec, as text")
    log(1, vectors=int(known.sum()), missing=len(tokens) - int(known.sum()))
    filled = word_vectors.fill_missing(vectors, known, params.oov_init, data.seed)
    return Model(params, filled, known, list(others), np.stack([*others.values()]) if others else None)


def read_vectors(file: Path) -> Iterator[tuple[str, Vectors]]:
    """Read a file of word vectors.

    Args:
        file: The file.

    Yields:
        Each word with its vector (D,).

    Raises:
        UnrollError: A line is not a vector, or the file is not UTF-8 text.
    """
    with file.open("rb") as content:
        lines = enumerate(decode_lines(content, file.name), 1)
        rows = ((number, fields) for number, line in lines if (fields := FIELD.split(line.strip(ASCII_SPACE))) != [""])
        first = list(islice(rows, SAMPLE))
        header = _read_header(first)
        size = header[1] if header else _find_size(first)
        count = 0
        for number, fields in chain(first[1:] if header else first, rows):
            word, numbers = " ".join(fields[:-size]), fields[-size:]
            if not word or not all(NUMBER.fullmatch(field) for field in numbers):
                raise UnrollError(
                    f"{file.name}: line {number}: is not a word and {size} numbers; correct it, or give a file of "
                    "GloVe or word2vec, as text"
                )
            vector = np.asarray(numbers, dtype=np.float64)
            if not (np.abs(vector) <= LARGEST).all():
                raise UnrollError(f"{file.name}: line {number}: has a number that is too large; correct it")
            yield word, vector.astype(np.float32)
            count += 1
    if header and count and count != header[0]:
        raise UnrollError(
            f"{file.name}: has {count} vectors, and its first line says {header[0]}; it is cut short, so get it again"
        )


def _read_header(rows: Sequence[tuple[int, Sequence[str]]]) -> tuple[int, int] | None:
    """Return the numbers of words and dimensions, if the first line has them."""
    fields = rows[0][1] if rows else ()
    if len(fields) != HEADER_FIELDS or not all(WHOLE.fullmatch(field) for field in fields) or not int(fields[1]):
        return None
    return int(fields[0]), int(fields[1])


def _find_size(rows: Sequence[tuple[int, Sequence[str]]]) -> int:
    """Return the most frequent number of numbers of a line. A word may have spaces, so the first line may mislead."""
    sizes: Counter[int] = Counter()
    for _, fields in rows:
        numbers = takewhile(NUMBER.fullmatch, reversed(fields[1:]))
        sizes[max(1, sum(1 for _ in numbers))] += 1
    return max(size for size, count in sizes.items() if count == max(sizes.values())) if sizes else 1
