"""Contextual vectors: a vector for each word of a text, which depends on the words around it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unroll.errors import UnrollError
from unroll.evaluation.analysis.embeddings import principal_components, unit_vectors
from unroll.models.base.protocol import ContextualModel
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import UNK
from unroll.use.capabilities import raise_unsupported
from unroll.use.model import TextModel

NEARBY = 3
"""The number of words on each side of a word that the label of a picture has."""


@dataclass(frozen=True)
class TextVectors:
    """The contextual vectors of a text."""

    tokens: list[str]
    """The spelling of each token."""
    vectors: NDArray[np.floating]
    """The vector of each token (n, D)."""


@dataclass(frozen=True)
class Occurrence:
    """A word in its context."""

    text: int
    """The number of the text, from 0."""
    before: str
    """The text before the word."""
    word: str
    """The word."""
    after: str
    """The text after the word."""
    vector: NDArray[np.floating]
    """Its contextual vector (D,), the mean over its tokens."""

    @property
    def marked(self) -> str:
        """The text, with the word in brackets."""
        return " ".join(part for part in (self.before, f"[{self.word}]", self.after) if part)

    @property
    def label(self) -> str:
        """The word in brackets, with the words nearby."""
        before, after = self.before.split()[-NEARBY:], self.after.split()[:NEARBY]
        return " ".join([*before, f"[{self.word}]", *after])


def embed_texts(model: TextModel, texts: Sequence[str]) -> Iterator[TextVectors]:
    """Compute the contextual vectors of texts.

    Args:
        model: A model with contextual vectors.
        texts: The texts. Each is a document.

    Yields:
        The vectors of each text.

    Raises:
        UnrollError: The model has no contextual vectors.
    """
    contextual = _contextual_model(model)
    for text in texts:
        ids = model.encode(text)
        yield TextVectors([model.spellings[token] for token in ids], contextual.contextual(ids))


def find_occurrences(model: TextModel, texts: Sequence[str], word: str) -> list[Occurrence]:
    """Find a word in texts.

    Args:
        model: A model with contextual vectors.
        texts: The texts. Each is a document.
        word: The word, which may have several tokens.

    Returns:
        Every occurrence, with its vector.

    Raises:
        UnrollError: The model has no contextual vectors, or it reads the word as an unknown one.
    """
    contextual, tokens = _contextual_model(model), model.encode(word)
    spelled = model.tokenizer.decode(tokens).strip()
    if not spelled or UNK in tokens:
        raise UnrollError(f"{model.folder}: does not know the word {word!r}; give one whose tokens are all known")
    occurrences = []
    for number, text in enumerate(texts):
        ids = model.encode(text)
        places = list(_find(model, ids, spelled))
        vectors = contextual.contextual(ids) if places else np.zeros((0, 0))
        for first, last in places:
            before, after = model.tokenizer.decode(ids[:first]).strip(), model.tokenizer.decode(ids[last:]).strip()
            occurrences.append(Occurrence(number, before, spelled, after, vectors[first:last].mean(0)))
    return occurrences


def compare_occurrences(occurrences: Sequence[Occurrence]) -> NDArray[np.floating]:
    """Compute the cosines of all pairs of occurrences, (N, N)."""
    unit = unit_vectors(np.stack([one.vector for one in occurrences]))
    return unit @ unit.T


def map_occurrences(occurrences: Sequence[Occurrence]) -> list[tuple[str, float, float]]:
    """Map occurrences to the plane of the first two principal components of their unit vectors.

    Args:
        occurrences: At least two occurrences.

    Returns:
        The label, x and y of each.

    Raises:
        UnrollError: There are fewer than two occurrences.
    """
    if len(occurrences) < 2:
        raise UnrollError(f"a picture needs two occurrences, and there are {len(occurrences)}; give more texts")
    unit = unit_vectors(np.stack([one.vector for one in occurrences]))
    points = principal_components(unit, np.arange(len(unit)))
    return [(one.label, float(x), float(y)) for one, (x, y) in zip(occurrences, points, strict=True)]


def _find(model: TextModel, ids: Ids, word: str) -> Iterator[tuple[int, int]]:
    """Yield the first token of each occurrence of a word, and the token after its last one.

    Tokens can be characters or subwords, so neither a letter before the word nor one after it may belong to it.
    """
    decode = model.tokenizer.decode
    for first in range(len(ids)):
        if not decode(ids[first : first + 1]).strip():
            continue
        for last in range(first + 1, len(ids) + 1):
            spelled = decode(ids[first:last]).strip()
            if spelled == word:
                before, after = decode(ids[:last]).removesuffix(word), decode(ids[first:]).lstrip().removeprefix(word)
                if not before[-1:].isalnum() and not after[:1].isalnum():
                    yield first, last
            if len(spelled) >= len(word):
                break


def _contextual_model(model: TextModel) -> ContextualModel:
    if not isinstance(model.model, ContextualModel):
        raise_unsupported(model.model, model.folder, "have contextual vectors")
    return model.model
