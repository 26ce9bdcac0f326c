"""Embeddings that begin from the vectors of another model: notes "Transformers-2", "Word embedding"; Kim (2014)."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from unroll.errors import UnrollError


@dataclass(frozen=True)
class Initial:
    vectors: NDArray[np.float32]
    """(V, D), over the same vocabulary."""
    frozen: bool
    """Whether training leaves them as they are; a tied output layer is frozen with them."""

    @torch.no_grad()
    def put(self, embedding: nn.Embedding) -> None:
        """Make these the weights of `embedding`. UnrollError if it is of another shape."""
        (tokens, size), (others, width) = self.vectors.shape, embedding.weight.shape
        if (tokens, size) != (others, width):
            raise UnrollError(
                f"vectors: they are {tokens} of {size} numbers and the embedding is {others} of {width}; give the "
                f"model the tokens of the vectors and embeddings of size {size}"
            )
        embedding.weight.copy_(torch.from_numpy(self.vectors))
        embedding.weight.requires_grad_(not self.frozen)
