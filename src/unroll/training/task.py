"""Training tasks: their protocol, and next-token prediction on the subsequences of a stream."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import Any, Protocol

from torch import Tensor, nn

from unroll.errors import UnrollError
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


def require_batches(task: Task, steps: Sequence[int]) -> Sequence[Any]:
    """Check that both splits are large enough for a training, before it starts.

    Args:
        task: The task.
        steps: The number of batches of each epoch.

    Returns:
        The batches of the valid split.

    Raises:
        UnrollError: An epoch has no batch, or there is no batch of the valid split: without one, there would be no
            early stopping, and the averages of the weights would not be used.
    """
    if 0 in steps:
        raise UnrollError(_too_small(task.data, "train", f"a batch in epoch {1 + [*steps].index(0)}"))
    try:
        batches = task.valid_batches()
    except UnrollError as error:
        raise UnrollError(_too_small(task.data, "valid", f"a batch ({error})")) from error
    if not batches:
        raise UnrollError(_too_small(task.data, "valid", "a batch, so no epoch could be validated"))
    return batches


def _too_small(data: Data, split: str, purpose: str) -> str:
    tokens = sum(len(stream.tokens) for stream in data.streams[split].values())
    return (
        f"the {split} split of tokenizers.{data.name} has {tokens} tokens, too few for {purpose}; lower "
        f"training.batch_size or tokenizers.{data.name}.sequence_length (it is {data.sequence_length}), give {split} a "
        f"larger share (corpora.*.splits), or provide more text"
    )
