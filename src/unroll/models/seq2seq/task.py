"""Training on pairs: batches of sources and targets, and the loss of the targets.

A batch holds sources of one length, so the encoder never reads padding; targets are padded, and padding counts nothing.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unroll.models.seq2seq.network import EncoderDecoder
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import BOS, PAD
from unroll.training.batching import bucketed_batches

SIDES = ("source", "target")

Batch = tuple[Tensor, Tensor, Tensor]
"""Sources (B, S) of one length with their <eos>, targets (B, T), and where (B, T) the decoder reads its own guess."""


class Task:
    """Target words given the source."""

    def __init__(self, network: EncoderDecoder, params: Seq2seqParams, data: Data) -> None:
        self.network, self.params, self.data = network, params, data
        self.pairs = {split: [data.streams[split][side].documents for side in SIDES] for split in ("train", "valid")}
        self.planned = len(self._rows("train", 0))

    def steps(self, epoch: int) -> int:
        return self.planned

    def train_batches(self, epoch: int) -> Iterable[Batch]:
        """Words that the decoder guesses itself are drawn anew in every epoch, from (seed, epoch)."""
        forcing, last = self.params.teacher_forcing, max(1, self.params.training.epochs - 1)
        truth = forcing.first + (forcing.last - forcing.first) * epoch / last
        generator = np.random.default_rng([self.data.seed, epoch, 1])
        for sources, targets in self._batches("train", epoch):
            yield sources, targets, torch.from_numpy(generator.random(tuple(targets.shape)) >= truth)

    def valid_batches(self) -> Sequence[Batch]:
        return [(sources, targets, torch.zeros(0, 0)) for sources, targets in self._batches("valid", 0)]

    def _rows(self, split: str, epoch: int) -> list[NDArray[np.int64]]:
        """Rows of like length, those of one source length to a batch."""
        lengths = np.asarray([[len(document) for document in side] for side in self.pairs[split]]).T
        batches = bucketed_batches(lengths, self.params.training.batch_size, self.data.seed, epoch)
        return [part for rows in batches for part in np.split(rows, np.flatnonzero(np.diff(lengths[rows, 0])) + 1)]

    def _batches(self, split: str, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        sources, targets = self.pairs[split]
        for rows in self._rows(split, epoch):
            yield stack([sources[row] for row in rows]), stack([targets[row] for row in rows])

    def loss(self, batch: Batch, state: None) -> tuple[Tensor, Tensor, None]:
        sources, targets, own = batch
        values, last = self.network.encode(sources)
        start, memory = self.network.decoder.start(last), self.network.decoder.memory(values)
        tokens, training = shifted(targets), self.network.training
        if training and own.any():
            outputs = self.network.guess(tokens, own, start, memory)
        else:
            outputs = self.network.decode(tokens, start, memory).outputs
        smoothing, softmax = self.params.label_smoothing, self.network.softmax
        if training and smoothing:
            nats = softmax.smoothed_loss(outputs, targets, smoothing)
        else:
            nats = softmax.loss(outputs, targets)
        return nats, (targets != PAD).sum(), None


def stack(documents: Sequence[Ids]) -> Tensor:
    """(B, T) with <pad> after the end of the shorter ones."""
    tokens = np.full((len(documents), max(map(len, documents), default=0)), PAD, dtype=np.int64)
    for row, document in enumerate(documents):
        tokens[row, : len(document)] = document
    return torch.from_numpy(tokens)


def shifted(targets: Tensor) -> Tensor:
    """What the decoder reads: <start>, then the target without its last token."""
    return torch.cat([torch.full_like(targets[:, :1], BOS), targets[:, :-1]], dim=1)
