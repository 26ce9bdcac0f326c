"""The base of all networks that are language models: embeddings, and the exchange of weights with numpy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unroll.errors import UnrollError
from unroll.layers.one_hot import OneHot
from unroll.layers.recurrent import State
from unroll.layers.softmax import Adaptive, Softmax
from unroll.params.layers import EmbeddingSize
from unroll.text.streams import Ids


class LanguageModelNetwork(nn.Module):
    """Embedding -> layers -> softmax.

    The network reads tokens (B, T) in a state and returns hidden vectors (B, T, H) and the state after the last token.
    The output for a token depends only on the tokens up to it, and reading a text in pieces equals reading it whole.
    The state is a tuple of tensors (B, ...).
    """

    embedding: nn.Embedding | OneHot
    softmax: Softmax | Adaptive

    def start(self, batch_size: int) -> State:
        """Return the state of `batch_size` rows that have read nothing."""
        raise NotImplementedError

    @property
    def token_vectors(self) -> Tensor:
        """The vector of each token (V, E): its embedding, or its column of the weights that read one-hot inputs."""
        return self.embedding.weight if isinstance(self.embedding, nn.Embedding) else self.input_weight.t()

    @property
    def input_weight(self) -> Tensor:
        """The weights (N, V) that read one-hot inputs."""
        raise NotImplementedError

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens.

        Args:
            tokens: Token ids (B, T). `<bos>` begins a document: later positions do not depend on what precedes it.
            state: The state before the first token.

        Returns:
            Hidden vectors (B, T, H), and the state after the last token.
        """
        raise NotImplementedError


def as_tensor(tokens: Ids) -> Tensor:
    """Convert token ids of any integer type to an int64 tensor of the same shape."""
    return torch.from_numpy(np.asarray(tokens, dtype=np.int64))


def weights(network: nn.Module) -> dict[str, NDArray]:
    """Return the parameters and buffers of a network by name; of shared parameters, the first name only."""
    every, once = dict(network.named_parameters(remove_duplicate=False)), dict(network.named_parameters())
    return {name: value.numpy() for name, value in network.state_dict().items() if name in once or name not in every}


@torch.no_grad()
def restore(network: nn.Module, saved: Mapping[str, NDArray[Any]]) -> None:
    """Copy weights into a network.

    Args:
        network: A network of the same structure as the one that was saved.
        saved: What `weights` returned.
    """
    state = network.state_dict()
    for name in weights(network):
        state[name].copy_(torch.from_numpy(saved[name]))


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


def build_embedding(vocabulary_size: int, size: EmbeddingSize) -> nn.Embedding | OneHot:
    """Make an embedding of this size, or one-hot vectors of the size of the vocabulary."""
    return OneHot(vocabulary_size) if size == "one_hot" else uniform_embedding(vocabulary_size, size)


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
