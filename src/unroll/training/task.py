"""Training tasks: their protocol, and next-token prediction on the subsequences of a stream."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import Any, Protocol

from torch import Tensor, nn

from unroll.layers.network import LanguageModelNetwork, as_tensor
from unroll.layers.recurrent import State, detach
from unroll.params.layers import Batching
from unroll.text.streams import Data, Stream
from unroll.text.tokenizers.vocabulary import BOS
from unroll.training.batching import contiguous_batches, epoch_plan, shuffled_batches


class Task(Protocol):
    """A network with its data and its loss."""

    @property
    def network(self) -> nn.Module:
        """The network."""

    @property
    def data(self) -> Data:
        """The partition."""

    def steps(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""

    def train_batches(self, epoch: int) -> Iterable[Any]:
        """Return the batches (tuples of tensors) of an epoch, a pure function of its number."""

    def valid_batches(self) -> Sequence[Any]:
        """Return the batches of the valid split."""

    def loss(self, batch: Any, state: Any) -> tuple[Tensor, Tensor, Any]:
        """Return the summed loss in nats, the number of counted tokens, and the detached state for the next batch."""


Batch = tuple[Tensor, Tensor]
"""Inputs and targets, both (B, T)."""


class LanguageModelTask:
    """Next-token prediction. It satisfies `unroll.training.task.Task`."""

    def __init__(self, network: LanguageModelNetwork, batching: Batching, batch_size: int, data: Data) -> None:
        """Set the network, the way batches are drawn, their size, and the data."""
        self.network, self.data = network, data
        self.carry, self.rows = batching == "contiguous", batch_size

    def steps(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        tokens, n = len(self.data.train.tokens), self.data.sequence_length
        offset, count = epoch_plan(self.data.seed, epoch, tokens, n)
        return ceil((tokens - offset - 1) // self.rows / n) if self.carry else ceil(count / self.rows)

    def _subsequences(self, stream: Stream, epoch: int) -> Iterator[Batch]:
        batches = contiguous_batches if self.carry else shuffled_batches
        for x, y in batches(stream, self.data.sequence_length, self.rows, self.data.seed, epoch):
            yield as_tensor(x), as_tensor(y)

    def train_batches(self, epoch: int) -> Iterable[Batch]:
        """Return the batches of an epoch, a pure function of its number."""
        return self._subsequences(self.data.train, epoch)

    def valid_batches(self) -> Sequence[Batch]:
        """Return the batches of the valid split."""
        return list(self._subsequences(self.data.valid, 0))

    def loss(self, batch: Batch, state: State | None) -> tuple[Tensor, Tensor, State | None]:
        """Compute the loss of a batch.

        Args:
            batch: Inputs and targets.
            state: The state after the previous batch, or None for the initial state.

        Returns:
            The summed loss in nats, the number of counted tokens, and the detached state for the next batch, which is
            None if the state is not carried.
        """
        tokens, targets = batch  # (B, T), (B, T)
        hidden, after = self.network(tokens, state or self.network.start(len(tokens)))
        return self.network.softmax.loss(hidden, targets), (targets > BOS).sum(), detach(after) if self.carry else None
