"""Nearest neighbours and analogies by the word vectors of a model."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.evaluation.analysis.embeddings import unit_vectors
from unroll.evaluation.analysis.lexicon import Lexicon
from unroll.models.base.protocol import WordVectors
from unroll.text.tokenizers.vocabulary import SPECIAL
from unroll.use.capabilities import raise_unsupported
from unroll.use.model import TextModel

Measure = Literal["cosine", "euclidean"]
"""How near two vectors are: by their cosine, or by the Euclidean distance between them."""


class Neighbour(NamedTuple):
    """A word with its cosine to the query, or with its Euclidean distance from it."""

    word: str
    value: float


def find_neighbours(model: TextModel, word: str, count: int, measure: Measure = "cosine") -> list[Neighbour]:
    """Find the words nearest to a word.

    Args:
        model: A model with word vectors.
        word: A word that has a vector.
        count: The maximum number of neighbours.
        measure: `cosine` or `euclidean`.

    Returns:
        The neighbours, nearest first, without the word itself.

    Raises:
        UnrollError: The model has no word vectors, the word has no vector, or there is no such measure.
    """
    lexicon = find_lexicon(model)
    row = find_row(model, lexicon, word)
    return _nearest(lexicon, lexicon.vectors[row], [row], count, measure)


def solve_analogy(model: TextModel, a: str, b: str, c: str, count: int) -> list[Neighbour]:
    """Find the words d for which a is to b as c is to d.

    They are the words nearest to b - a + c, for vectors of length one (3CosAdd: Mikolov, Yih and Zweig 2013).

    Args:
        model: A model with word vectors.
        a: A word that has a vector.
        b: The word that is to `a` as the answer is to `c`.
        c: The third word.
        count: The maximum number of answers.

    Returns:
        The answers with their cosines, nearest first, without `a`, `b` and `c`.

    Raises:
        UnrollError: The model has no word vectors, or a word has no vector.
    """
    lexicon = find_lexicon(model)
    rows = [find_row(model, lexicon, word) for word in (a, b, c)]
    unit = unit_vectors(lexicon.vectors)
    return _nearest(lexicon, unit[rows[1]] - unit[rows[0]] + unit[rows[2]], rows, count, "cosine")


def find_lexicon(model: TextModel) -> Lexicon:
    """Return the words of a model that have a vector.

    Args:
        model: The model.

    Returns:
        The words with their vectors.

    Raises:
        UnrollError: The model has no word vectors.
    """
    if not isinstance(model.model, WordVectors):
        raise_unsupported(model.model, model.folder, "have word vectors")
    return Lexicon.of(model.model, model.tokenizer)


def find_row(model: TextModel, lexicon: Lexicon, word: str) -> int:
    """Return the row of a word.

    Args:
        model: The model, whose cleaning and tokenizer apply to the word.
        lexicon: The words that have a vector.
        word: The word.

    Returns:
        The row in the lexicon.

    Raises:
        UnrollError: The word has no vector.
    """
    cleaned, tokens = model.cleaner(word), model.encode(word)
    spelled = model.tokenizer.id_to_token(int(tokens[0])) if len(tokens) == 1 and tokens[0] >= len(SPECIAL) else cleaned
    row = lexicon.rows.get(spelled, lexicon.rows.get(cleaned, lexicon.rows.get(word)))
    if row is None:
        remedy = "give one word of its vocabulary"
        if getattr(model.model.params, "keep", "") == "vocabulary":
            remedy += ", or set keep: all in its entry of params.yaml"
        raise UnrollError(f"{model.folder}: has no vector of {word!r}; {remedy}")
    return row


def compare(vectors: NDArray[np.floating], query: NDArray[np.floating], measure: str) -> NDArray[np.floating]:
    """Compare vectors with a query.

    Args:
        vectors: The vectors (N, D).
        query: A vector (D,).
        measure: `cosine` or `euclidean`.

    Returns:
        The cosines or the Euclidean distances (N,). The cosine with a vector of zeros is 0.

    Raises:
        UnrollError: There is no such measure.
    """
    if measure == "cosine":
        return unit_vectors(vectors) @ unit_vectors(query[None])[0]
    if measure == "euclidean":
        return np.linalg.norm(vectors.astype(np.float64) - query, axis=1)
    raise UnrollError(f"there is no distance {measure}; choose one of {', '.join(get_args(Measure))}")


def _nearest(
    lexicon: Lexicon, query: NDArray[np.floating], excluded: Sequence[int], count: int, measure: str
) -> list[Neighbour]:
    """Return the words nearest to a query (D,), without the rows `excluded`."""
    values = compare(lexicon.vectors, query, measure)
    order = np.argsort(values if measure == "euclidean" else -values, kind="stable")
    chosen = order[~np.isin(order, excluded)][:count]
    return [Neighbour(lexicon.words[row], float(values[row])) for row in chosen]
