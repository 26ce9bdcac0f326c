"""The training task of encoder-decoders: predict the target of a pair, given its source.

All sources of a batch have the same length, so the encoder never reads padding. Targets are padded, and padding is not
counted.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unroll.models.seq2seq.network import EncoderDecoder
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import BOS, PAD
from unroll.training.batching import bucketed_batches, padding_share

SIDES = ("source", "target")

Batch = tuple[Tensor, Tensor, Tensor]
"""Sources (B, S) of one length with their `<eos>`, targets (B, T), and where the decoder reads predictions (B, T)."""

logger = logging.getLogger("unroll")


class Task:
    """Prediction of targets with teacher forcing. It satisfies `unroll.training.task.Task`."""

    def __init__(self, network: EncoderDecoder, params: Seq2seqParams, data: Data) -> None:
        """Set the network, its settings and the data."""
        self.network, self.params, self.data = network, params, data
        self.pairs = {split: [data.streams[split][side].documents for side in SIDES] for split in ("train", "valid")}
        self.planned = len(self._rows("train", 0))

    def log_batches(self) -> None:
        """Log the number of batches of an epoch, that of small ones, and the share of padding.

        They are the same in every epoch, since the lengths of the pairs determine them.
        """
        rows, size = self._rows("train", 0), self.params.training.batch_size
        share, small = padding_share(self._lengths("train")[:, 1:], rows), sum(len(batch) < size / 2 for batch in rows)
        logger.info(
            "seq2seq: %d batches per epoch, %d of them less than half full, since few sources have their length; "
            "%.1f %% of the target tokens are padding",
            *(self.planned, small, 100 * share),
        )

    def steps(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return self.planned

    def train_batches(self, epoch: int) -> Iterable[Batch]:
        """Return the batches of an epoch, a pure function of its number.

        Where the decoder reads its own predictions is random, too, and depends on (seed, epoch).
        """
        forcing, last = self.params.teacher_forcing, max(1, self.params.training.epochs - 1)
        forced = forcing.first + (forcing.last - forcing.first) * epoch / last
        generator = np.random.default_rng([self.data.seed, epoch, 1])
        for sources, targets in self._batches("train", epoch):
            yield sources, targets, torch.from_numpy(generator.random(tuple(targets.shape)) >= forced)

    def valid_batches(self) -> Sequence[Batch]:
        """Return the batches of the valid split."""
        return [(sources, targets, torch.zeros(0, 0)) for sources, targets in self._batches("valid", 0)]

    def _lengths(self, split: str) -> NDArray[np.int64]:
        """Return the lengths of all pairs with their `<eos>` (pairs, 2)."""
        return np.asarray([[len(document) for document in side] for side in self.pairs[split]]).T

    def _rows(self, split: str, epoch: int) -> list[NDArray[np.int64]]:
        """Return the row numbers of each batch: pairs whose sources have the same length, and targets a similar one."""
        return bucketed_batches(self._lengths(split), self.params.training.batch_size, self.data.seed, epoch)

    def _batches(self, split: str, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield sources (B, S) and targets (B, T)."""
        sources, targets = self.pairs[split]
        for rows in self._rows(split, epoch):
            yield pad([sources[row] for row in rows]), pad([targets[row] for row in rows])

    def loss(self, batch: Batch, state: None) -> tuple[Tensor, Tensor, None]:
        """Compute the loss of a batch.

        Args:
            batch: Sources, targets, and where the decoder reads its own prediction.
            state: None, since batches are independent.

        Returns:
            The summed loss in nats, the number of target tokens, and None.
        """
        sources, targets, predicted = batch
        values, last = self.network.encode(sources)
        start, memory = self.network.decoder.start(last), self.network.decoder.memory(values)
        tokens, training = shift_right(targets), self.network.training
        if training and predicted.any():
            outputs = self.network.decode_predictions(tokens, predicted, start, memory)
        else:
            outputs = self.network.decode(tokens, start, memory).outputs
        smoothing, softmax = self.params.label_smoothing, self.network.softmax
        if training and smoothing:
            nats = softmax.smoothed_loss(outputs, targets, smoothing)
        else:
            nats = softmax.loss(outputs, targets)
        return nats, (targets != PAD).sum(), None


def pad(documents: Sequence[Ids]) -> Tensor:
    """Return documents as rows (B, T), with `<pad>` after the end of the shorter ones."""
    tokens = np.full((len(documents), max(map(len, documents), default=0)), PAD, dtype=np.int64)
    for row, document in enumerate(documents):
        tokens[row, : len(document)] = document
    return torch.from_numpy(tokens)


def length_mask(lengths: NDArray[np.int64]) -> Tensor:
    """Return the mask (B, longest) that is False at the padding after each of these lengths (B,)."""
    return torch.arange(int(lengths.max())) < torch.from_numpy(lengths)[:, None]


def shift_right(targets: Tensor) -> Tensor:
    """Return what the decoder reads to predict targets (B, T): `<bos>`, then each target without its last token."""
    return torch.cat([torch.full_like(targets[:, :1], BOS), targets[:, :-1]], dim=1)
