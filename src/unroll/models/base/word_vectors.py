"""The model of all families of word vectors."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from unroll.models.base import storage
from unroll.params.experiments import VectorsParams

Vectors = NDArray[np.float32]


class Model:
    """Word vectors. They satisfy WordVectors."""

    fitted_on_valid: tuple[str, ...] = ()

    def __init__(self, params: VectorsParams, vectors: Vectors, known: NDArray[np.bool_]) -> None:
        """Set the settings, the vectors (V, D), and whether the vector of each token was learned or read (V,)."""
        self.params, self.vectors, self.known = params, vectors, known

    @property
    def parameters(self) -> int:
        """D for each token whose vector was learned or read; the others are filled in, so they are not free."""
        return int(self.known.sum()) * self.vectors.shape[1]

    def save(self, path: Path) -> None:
        """Write the vectors into the existing folder `path`."""
        storage.write(path, {"params": self.params.model_dump()}, {"vectors": self.vectors, "known": self.known})


def load(path: Path) -> Model:
    """Load the vectors that `Model.save` wrote into the folder `path`."""
    params: VectorsParams = TypeAdapter(VectorsParams).validate_python(storage.read_params(path)["params"])
    arrays = storage.read_weights(path)
    return Model(params, arrays["vectors"], arrays["known"])


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
