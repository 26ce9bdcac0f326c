"""Word vectors from a file of GloVe (Pennington, Socher and Manning 2014) or word2vec (Mikolov et al. 2013).

Each line of the text file has a word and its D numbers, separated by spaces. Files of word2vec begin with a line that
has the number of words and D. A word may contain spaces: the last D fields are the numbers. If a word occurs twice, its
first vector is used. The words of the vocabulary are looked up in their exact spelling.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from unroll.errors import UnrollError
from unroll.models.base import word_vectors
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log
from unroll.models.base.word_vectors import Model, Vectors
from unroll.models.vector_file.params import VectorFileParams
from unroll.text.streams import Data
from unroll.text.tokenizers.vocabulary import SPECIAL

load = word_vectors.load


def fit(params: VectorFileParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Read the vectors of every token of the vocabulary from a file.

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
    """Select the vectors of a vocabulary from a file.

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
    for word, vector in read_vectors(file):
        vectors = np.zeros((len(words), len(vector)), np.float32) if vectors is None else vectors
        if (token := tokens.get(word)) is not None and not known[token]:
            vectors[token], known[token] = vector, True
    if vectors is None:
        raise UnrollError(f"{file.name}: has no vectors; give a file of GloVe or word2vec, as text")
    log(1, vectors=int(known.sum()), missing=len(tokens) - int(known.sum()))
    return Model(params, word_vectors.fill_missing(vectors, known, params.oov_init, data.seed), known)


def read_vectors(file: Path) -> Iterator[tuple[str, Vectors]]:
    """Read a file of word vectors.

    Args:
        file: The file.

    Yields:
        Each word with its vector (D,).

    Raises:
        UnrollError: A line is not a vector, or the file is not UTF-8 text.
    """
    size = 0
    with file.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(_text(lines, file), start=1):
            fields = line.rstrip(" \r\n").split(" ")
            if number == 1 and len(fields) == 2:
                continue  # the header of word2vec
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
    """Return the lines of a file, with an error if it is not UTF-8 text."""
    try:
        yield from lines
    except UnicodeDecodeError as error:
        raise UnrollError(f"{file.name}: is not UTF-8 text ({error.reason}); export the vectors as text") from error
