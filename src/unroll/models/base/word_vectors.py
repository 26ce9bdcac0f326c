"""Word vectors as they are saved, of the families word2vec and vector_file."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from unroll.models.base import storage
from unroll.params.experiments import VectorsParams

Vectors = NDArray[np.float32]


class Model:
    """Satisfies Embeddings."""

    def __init__(self, params: VectorsParams, vectors: Vectors, known: NDArray[np.bool_]) -> None:
        """`vectors` (V, D), and which tokens they were learned or read for (V,)."""
        self.params, self.vectors, self.known = params, vectors, known

    def save(self, path: Path) -> None:
        storage.write(path, {"params": self.params.model_dump()}, {"vectors": self.vectors, "known": self.known})


def load(path: Path) -> Model:
    """The model `Model.save` wrote."""
    params: VectorsParams = TypeAdapter(VectorsParams).validate_python(storage.read_params(path)["params"])
    arrays = storage.read_weights(path)
    return Model(params, arrays["vectors"], arrays["known"])


def complete(vectors: Vectors, known: NDArray[np.bool_], oov_init: str, seed: int) -> Vectors:
    """Make up the vectors of tokens that have none.

    Args:
        vectors: The vectors (V, D).
        known: Whether a token has a vector (V,).
        oov_init: The setting `oov_init`: zeros, mean or normal.
        seed: The random seed of `normal`.

    Returns:
        The vectors (V, D) with the other rows filled in.
    """
    of_known, completed = vectors[known].astype(np.float64), vectors.copy()
    shape = ((~known).sum(), vectors.shape[1])
    if oov_init == "zeros" or not known.any():
        completed[~known] = 0
    elif oov_init == "mean":
        completed[~known] = of_known.mean(0)
    else:
        completed[~known] = np.random.default_rng(seed).normal(of_known.mean(0), of_known.std(0), shape)
    return completed
