"""The model of all families of word vectors."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from unroll.models.base import storage
from unroll.params.experiments import VectorsParams
from unroll.params.word_vectors import with_omitted
from unroll.text.streams import Data
from unroll.text.tokenizers.vocabulary import BOS

Vectors = NDArray[np.float32]


class Model:
    """Word vectors. They satisfy WordVectors."""

    fitted_on_valid: tuple[str, ...] = ()

    def __init__(
        self,
        params: VectorsParams,
        vectors: Vectors,
        known: NDArray[np.bool_],
        other_words: Sequence[str] = (),
        other_vectors: Vectors | None = None,
    ) -> None:
        """Set the vectors.

        Args:
            params: The settings.
            vectors: The vectors of the tokens (V, D).
            known: Whether the vector of each token was learned or read (V,).
            other_words: Words beyond the vocabulary.
            other_vectors: Their vectors (W, D); None if there are no such words.
        """
        self.params, self.vectors, self.known, self.other_words = params, vectors, known, other_words
        self.other_vectors = np.zeros((0, vectors.shape[1]), np.float32) if other_vectors is None else other_vectors

    @property
    def parameters(self) -> int:
        """D for each word whose vector was learned or read; the others are filled in, so they are not free."""
        return (int(self.known.sum()) + len(self.other_words)) * self.vectors.shape[1]

    def save(self, path: Path) -> None:
        """Write the vectors into the existing folder `path`."""
        arrays = {"vectors": self.vectors, "known": self.known}
        if self.other_words:
            # A word has no line break. As bytes in the file of the arrays, many words take little space.
            spelled = np.frombuffer("\n".join(self.other_words).encode(), np.uint8)
            arrays |= {"other_words": spelled, "other_vectors": self.other_vectors}
        storage.write(path, {"params": self.params.model_dump()}, arrays)


def load(path: Path) -> Model:
    """Load the vectors that `Model.save` wrote into the folder `path`."""
    saved = with_omitted(storage.read_params(path)["params"])
    params: VectorsParams = TypeAdapter(VectorsParams).validate_python(saved)
    arrays = storage.read_weights(path)
    words = arrays["other_words"].tobytes().decode().split("\n") if "other_words" in arrays else []
    return Model(params, arrays["vectors"], arrays["known"], words, arrays.get("other_vectors"))


def complete(params: VectorsParams, vectors: Vectors, data: Data) -> Model:
    """Make a model of vectors that were trained.

    Args:
        params: The settings.
        vectors: The vectors (V, D), of which those of the tokens of the train split were trained.
        data: The partition.

    Returns:
        The model, in which the vectors of the other tokens are filled in.
    """
    known = np.zeros(data.vocabulary_size, dtype=np.bool_)
    known[data.train.tokens[data.train.tokens > BOS]] = True
    return Model(params, fill_missing(vectors, known, params.oov_init, data.seed), known)


def fill_missing(vectors: Vectors, known: NDArray[np.bool_], oov_init: str, seed: int) -> Vectors:
    """Fill in the vectors of tokens that have none.

    Args:
        vectors: The vectors (V, D).
        known: Whether a token has a vector (V,).
        oov_init: The setting `oov_init`: zeros, mean or normal.
        seed: The random seed of `normal`.

    Returns:
        The vectors (V, D) with the other rows filled in.
    """
    existing, completed = vectors[known].astype(np.float64), vectors.copy()
    shape = ((~known).sum(), vectors.shape[1])
    if oov_init == "zeros" or not known.any():
        completed[~known] = 0
    elif oov_init == "mean":
        completed[~known] = existing.mean(0)
    else:
        completed[~known] = np.random.default_rng(seed).normal(existing.mean(0), existing.std(0), shape)
    return completed
