"""Token embeddings: their initial values, random or pretrained (Kim 2014)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from unroll.errors import UnrollError


def uniform_embedding(vocabulary_size: int, size: int) -> nn.Embedding:
    """Make an embedding with weights that are uniform in [-1 / sqrt(size), 1 / sqrt(size)].

    Args:
        vocabulary_size: The number of tokens, V.
        size: The size of the embedding, E.

    Returns:
        The embedding, with weights (V, E).
    """
    embedding = nn.Embedding(vocabulary_size, size)
    nn.init.uniform_(embedding.weight, -(size**-0.5), size**-0.5)
    return embedding


@torch.no_grad()
def load_pretrained(embedding: nn.Embedding, vectors: NDArray[np.float32], freeze: bool) -> None:
    """Set the weights of an embedding to pretrained vectors.

    Args:
        embedding: The embedding, with weights (V, E).
        vectors: The vectors (V, E) of the same vocabulary.
        freeze: Keep the weights as they are in training. An output layer that shares them is frozen, too.

    Raises:
        UnrollError: The shapes differ.
    """
    (tokens, size), (rows, width) = vectors.shape, embedding.weight.shape
    if (tokens, size) != (rows, width):
        raise UnrollError(
            f"vectors: their shape is {tokens} x {size}, but the embedding is {rows} x {width}; give vectors of the "
            f"same tokenizer and set the embedding size of the model to {size}"
        )
    embedding.weight.copy_(torch.from_numpy(vectors))
    embedding.weight.requires_grad_(not freeze)
