"""Word vectors as they are kept, wherever they come from (families word2vec and pretrained)."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from unroll.models import storage
from unroll.params.models import VectorsParams

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


def complete(vectors: Vectors, known: NDArray[np.bool_], missing: str, seed: int) -> Vectors:
    """(V, D) with the rows that are not `known` made as the param `missing` says."""
    of_known, completed = vectors[known].astype(np.float64), vectors.copy()
    shape = ((~known).sum(), vectors.shape[1])
    if missing == "zeros" or not known.any():
        completed[~known] = 0
    elif missing == "mean":
        completed[~known] = of_known.mean(0)
    else:
        completed[~known] = np.random.default_rng(seed).normal(of_known.mean(0), of_known.std(0), shape)
    return completed
