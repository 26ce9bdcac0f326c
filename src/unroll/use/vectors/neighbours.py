"""Nearest neighbours and analogies by the word vectors of a model."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from unroll.errors import UnrollError
from unroll.evaluation.analysis.embeddings import unit_vectors
from unroll.models.base.protocol import WordVectors
from unroll.text.tokenizers.vocabulary import SPECIAL
from unroll.use.capabilities import raise_unsupported
from unroll.use.model import TextModel


class Neighbour(NamedTuple):
    """A word and the cosine between its vector and the query."""

    word: str
    cosine: float


def find_neighbours(model: TextModel, word: str, count: int) -> list[Neighbour]:
    """Find the words nearest to a word by the cosine of their vectors.

    Args:
        model: A model with word vectors.
        word: A word of its vocabulary.
        count: The maximum number of neighbours.

    Returns:
        The neighbours, nearest first, without the word itself.

    Raises:
        UnrollError: The model has no word vectors, or the word has no vector.
    """
    return _find_nearest(model, [word], [], count)


def solve_analogy(model: TextModel, a: str, b: str, c: str, count: int) -> list[Neighbour]:
    """Find the words d for which a is to b as c is to d.

    They are the words nearest to b - a + c, for vectors of length one (3CosAdd: Mikolov, Yih and Zweig 2013).

    Args:
        model: A model with word vectors.
        a: A word of its vocabulary.
        b: The word that is to `a` as the answer is to `c`.
        c: The third word.
        count: The maximum number of answers.

    Returns:
        The answers, nearest first, without `a`, `b` and `c`.

    Raises:
        UnrollError: The model has no word vectors, or a word has no vector.
    """
    return _find_nearest(model, [b, c], [a], count)


def _find_nearest(model: TextModel, added: Sequence[str], subtracted: Sequence[str], count: int) -> list[Neighbour]:
    """Find the words nearest to the sum of some vectors minus the sum of others."""
    vectors = model.model
    if not isinstance(vectors, WordVectors):
        raise_unsupported(vectors, model.folder, "have word vectors")
    plus, minus = ([_token_id(model, vectors, word) for word in words] for words in (added, subtracted))
    unit = unit_vectors(vectors.vectors)
    query = unit_vectors((unit[plus].sum(0) - unit[minus].sum(0))[None])[0]  # (D,)
    cosines = unit @ query  # (V,)
    cosines[~vectors.known] = cosines[: len(SPECIAL)] = cosines[[*plus, *minus]] = -np.inf
    order = np.argsort(-cosines, kind="stable")[: min(count, int(np.isfinite(cosines).sum()))]
    return [Neighbour(model.tokenizer.id_to_token(int(token)), float(cosines[token])) for token in order]


def _token_id(model: TextModel, vectors: WordVectors, word: str) -> int:
    """Return the token id of a word; raise UnrollError if it has no vector."""
    tokens = model.encode(word)
    if len(tokens) != 1 or tokens[0] < len(SPECIAL) or not vectors.known[tokens[0]]:
        raise UnrollError(f"{model.folder}: has no vector of {word!r}; give one word of its vocabulary")
    return int(tokens[0])
