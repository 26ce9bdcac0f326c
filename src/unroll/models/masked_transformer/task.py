"""The training of a masked language model: hidden words are predicted from the others."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unroll.models.masked_transformer.network import MASK, Network
from unroll.models.masked_transformer.params import MaskedTransformerParams, Masking
from unroll.text.streams import Data, Ids, Stream
from unroll.text.tokenizers.vocabulary import BOS, EOS, PAD, UNK
from unroll.training.batching import epoch_plan, shuffled_batches

HIDING, VALIDATION = 1, 2
"""Numbers that give the random words of an epoch, and those of the valid split, streams of their own."""


def hide(tokens: Ids, masking: Masking, vocabulary_size: int, generator: np.random.Generator) -> tuple[Ids, Ids]:
    """Hide words.

    Args:
        tokens: Token ids (B, T). `<bos>` and `<eos>` are given, and never hidden.
        masking: The shares.
        vocabulary_size: The number of tokens, V.
        generator: The source of random numbers.

    Returns:
        What the model reads (B, T), and the words to predict (B, T), `<pad>` where there is none. Each row with a word
        has at least one to predict.
    """
    words_only = tokens > EOS
    counts = words_only.sum(1, keepdims=True)
    hidden = np.minimum(np.maximum(np.round(masking.share * counts), 1), counts)  # (B, 1), as in the authors' program
    ranks = np.where(words_only, generator.random(tokens.shape), 1).argsort(1, kind="stable").argsort(1, kind="stable")
    predicted = ranks < hidden
    kind = generator.random(tokens.shape)
    words = generator.integers(UNK, vocabulary_size, tokens.shape)
    read = np.where(kind < masking.mask, MASK, np.where(kind < masking.mask + masking.random, words, tokens))
    return np.where(predicted, read, tokens), np.where(predicted, tokens, PAD)


class Task:
    """The prediction of hidden words in shuffled subsequences. It satisfies `unroll.training.task.Task`."""

    def __init__(self, network: Network, params: MaskedTransformerParams, data: Data) -> None:
        """Set the network, its settings and the data."""
        self.network, self.data = network, data
        self.masking, self.rows = params.masking, params.training.batch_size

    def steps(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        _, count = epoch_plan(self.data.seed, epoch, len(self.data.train.tokens), self.data.sequence_length)
        return ceil(count / self.rows)

    def _batches(self, stream: Stream, epoch: int, use: int) -> Iterator[tuple[Tensor, Tensor]]:
        generator = np.random.default_rng([self.data.seed, epoch, use])
        for tokens, _ in shuffled_batches(stream, self.data.sequence_length, self.rows, self.data.seed, epoch):
            read, predicted = hide(tokens.astype(np.int64), self.masking, self.data.vocabulary_size, generator)
            yield torch.from_numpy(read), torch.from_numpy(predicted)

    def train_batches(self, epoch: int) -> Iterable[tuple[Tensor, Tensor]]:
        """Return the batches of an epoch, a pure function of its number."""
        return self._batches(self.data.train, epoch, HIDING)

    def valid_batches(self) -> Sequence[tuple[Tensor, Tensor]]:
        """Return the batches of the valid split, in which the same words are hidden each time."""
        return list(self._batches(self.data.valid, 0, VALIDATION))

    def loss(self, batch: tuple[Tensor, Tensor], state: Any) -> tuple[Tensor, Tensor, None]:
        """Compute the summed loss of the hidden words in nats, and their number."""
        read, predicted = batch
        hidden = self.network(read, (read == BOS).cumsum(1))
        places = predicted > BOS
        if not places.any():  # every row is a `<bos>` or `<eos>`
            return 0 * hidden.sum(), places.sum(), None
        return self.network.softmax.loss(hidden[places], predicted[places]), places.sum(), None
