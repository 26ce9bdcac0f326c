"""GloVe (Pennington, Socher and Manning 2014): word vectors whose products are the logarithms of co-occurrences.

    J = sum over i, j of f(X_ij) (w_i . w~_j + b_i + b~_j - log X_ij)^2,   f(x) = min(1, (x / x_max)^alpha)

The sum is over the pairs that co-occur. AdaGrad (Duchi, Hazan and Singer 2011) minimizes J / 2 on batches of pairs. The
step of a parameter with gradients g_1 .. g_t is g_t / sqrt(1 / r^2 + g_1^2 + .. + g_t^2), so the first is about r g_1
for the learning rate r. The program of the authors has these steps for the vectors, and larger ones for the biases. The
order of the pairs is a function of (seed, epoch).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unroll.arithmetic.global_state import restored_global_state
from unroll.errors import UnrollError
from unroll.models.base import word_vectors
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log
from unroll.models.base.word_vectors import Model, Vectors
from unroll.models.glove.cooccurrence import Cooccurrences, count
from unroll.models.glove.params import GloveParams
from unroll.text.streams import Data

load = word_vectors.load


class Table:
    """The vectors of words or of contexts, which AdaGrad changes row by row."""

    def __init__(self, values: NDArray[np.float32], rate: float) -> None:
        """Set the initial values.

        Args:
            values: The vectors, and their biases in the last column (V, D + 1).
            rate: The learning rate r.
        """
        self.values = torch.from_numpy(values)
        self.squares = torch.full_like(self.values, rate**-2)  # 1 / r^2 + the sum of the squared gradients

    def take(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the rows of ids (B,), each once; their values, which receive a gradient; and the row of each id."""
        rows, places = torch.unique(ids, return_inverse=True)
        return rows, self.values[rows].requires_grad_(), places

    def step(self, rows: Tensor, gradient: Tensor) -> None:
        """Change rows (R,) by their gradients (R, D + 1)."""
        squares = self.squares[rows] + gradient**2
        self.squares[rows] = squares
        self.values[rows] -= gradient / squares.sqrt()


def initialize(vocabulary_size: int, size: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw uniform values in [-1 / 2 D, 1 / 2 D], as the program of the authors does.

    Args:
        vocabulary_size: The number of tokens, V.
        size: The number of dimensions, D.
        seed: The random seed.

    Returns:
        The vectors and biases of words and of contexts, (V, D + 1) each.
    """
    values = np.random.default_rng(seed).uniform(-0.5 / size, 0.5 / size, (2, vocabulary_size, size + 1))
    words, contexts = values.astype(np.float32)
    return words, contexts


def predict(words: Tensor, contexts: Tensor) -> Tensor:
    """Compute w_i . w~_j + b_i + b~_j for rows (B, D + 1) of both tables, (B,)."""
    return (words[:, :-1] * contexts[:, :-1]).sum(1) + words[:, -1] + contexts[:, -1]


def weights(counts: NDArray[np.float64], x_max: float, alpha: float) -> NDArray[np.float64]:
    """Compute f(X).

    Args:
        counts: X, (N,).
        x_max: The count from which on the weight is 1.
        alpha: The exponent.

    Returns:
        The weights (N,).
    """
    return np.minimum((counts / x_max) ** alpha, 1)


@restored_global_state()
def fit(params: GloveParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Train word vectors on data.train.

    Args:
        params: The settings.
        data: The partition.
        inputs: Not used.
        log: Receives the mean of the terms of J over each epoch.

    Returns:
        The vectors, a function of the settings, the data and data.seed.

    Raises:
        UnrollError: No two words co-occur, or the loss is not finite.
    """
    pairs = count(data.train, data.vocabulary_size, params.window, params.symmetric)
    if not len(pairs.counts):
        raise UnrollError(
            f"the train split of tokenizers.{data.name} has no two words in a document; provide more text"
        )
    return word_vectors.complete(params, train(params, pairs, data, log), data)


def train(params: GloveParams, pairs: Cooccurrences, data: Data, log: Log) -> Vectors:
    """Minimize J.

    Args:
        params: The settings.
        pairs: The co-occurrences.
        data: The partition, for its seed and the size of its vocabulary.
        log: Receives the mean of the terms of J over each epoch.

    Returns:
        The vectors (V, D).

    Raises:
        UnrollError: The loss is not finite.
    """
    words, contexts = (
        Table(values, params.learning_rate) for values in initialize(data.vocabulary_size, params.size, data.seed)
    )
    i, j = torch.from_numpy(pairs.words), torch.from_numpy(pairs.contexts)
    logs = torch.from_numpy(np.log(pairs.counts).astype(np.float32))
    f = torch.from_numpy(weights(pairs.counts, params.x_max, params.alpha).astype(np.float32))
    done = 0
    for epoch in range(params.epochs):
        order = torch.from_numpy(np.random.default_rng([data.seed, epoch]).permutation(len(i)))
        total = 0.0
        for batch in torch.split(order, params.batch_size):
            word_rows, w, at = words.take(i[batch])
            context_rows, v, beside = contexts.take(j[batch])
            loss = (f[batch] * (predict(w[at], v[beside]) - logs[batch]) ** 2).sum()
            gradients = torch.autograd.grad(loss / 2, (w, v))
            words.step(word_rows, gradients[0])
            contexts.step(context_rows, gradients[1])
            total, done = total + float(loss.detach()), done + 1
        if not np.isfinite(total):
            raise UnrollError(
                f"the training loss is not finite in epoch {epoch + 1}; lower learning_rate (it is "
                f"{params.learning_rate:g}) or batch_size (it is {params.batch_size})"
            )
        log(done, epoch=epoch + 1.0, train_loss=total / len(i))
    found = words.values + contexts.values if params.matrix == "sum" else words.values
    return found[:, :-1].numpy().copy()
