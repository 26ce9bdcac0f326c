"""The training task of recurrent taggers: the tags of whole sentences.

All sentences of a batch have the same length.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unroll.models.base.tagged import SHAPE, UNKNOWN_TAG, WORD, sentences, tags
from unroll.models.recurrent_tagger.network import Network
from unroll.text.streams import Data
from unroll.training.batching import bucketed_batches

Batch = tuple[Tensor, Tensor, Tensor]
"""Token ids, shape ids and tags, all (B, T)."""


class Task:
    """Tagging of sentences. It satisfies `unroll.training.task.Task`.

    Sentences of the valid split with a tag that the train split lacks are left out, since no model can predict it.
    """

    def __init__(self, network: Network, batch_size: int, data: Data) -> None:
        """Set the network, the maximum number of sentences in a batch, and the data."""
        self.network, self.rows, self.data = network, batch_size, data
        self.split = {split: self._known(split) for split in ("train", "valid")}
        self.planned = len(self._batches("train", 0))

    def _known(self, split: str) -> list[NDArray[np.int64]]:
        """Return an array (T, 3) for each sentence: its token ids, shape ids and tags."""
        pairs = zip(sentences(self.data, split), tags(self.data, split), strict=True)
        return [
            np.column_stack([words, numbers])
            for words, numbers in pairs
            if len(words) and not (numbers == UNKNOWN_TAG).any()
        ]

    def steps(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return self.planned

    def train_batches(self, epoch: int) -> Iterable[Batch]:
        """Return the batches of an epoch, a pure function of its number."""
        return self._tensors("train", epoch)

    def valid_batches(self) -> Sequence[Batch]:
        """Return the batches of the valid split."""
        return list(self._tensors("valid", 0))

    def _batches(self, split: str, epoch: int) -> list[NDArray[np.int64]]:
        """Return the row numbers of each batch."""
        lengths = np.asarray([[len(sentence)] for sentence in self.split[split]], dtype=np.int64)
        return bucketed_batches(lengths, self.rows, self.data.seed, epoch)

    def _tensors(self, split: str, epoch: int) -> Iterator[Batch]:
        for rows in self._batches(split, epoch):
            batch = torch.from_numpy(np.stack([self.split[split][row] for row in rows]))  # (B, T, 3)
            yield batch[..., WORD], batch[..., SHAPE], batch[..., 2]

    def loss(self, batch: Batch, state: None) -> tuple[Tensor, Tensor, None]:
        """Compute the loss of a batch.

        Args:
            batch: Token ids, shape ids and tags (B, T).
            state: None, since sentences are independent.

        Returns:
            The summed loss in nats, the number of words, and None.
        """
        words, shapes, labels = batch
        scores = self.network(words, shapes).float()
        nats = -self.network.log_likelihood(scores, labels).sum()
        return nats, torch.tensor(labels.numel(), device=labels.device), None
