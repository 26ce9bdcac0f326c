"""The part of a training task that one of several ranks computes: its rows of each batch.

The ranks have the same batches, so all of them make the same number of steps.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from unroll.text.streams import Data
from unroll.training.ranks.process_group import Group
from unroll.training.task import Task


class Shard:
    """A task with the rows of one rank only. It satisfies `unroll.training.task.Task`."""

    def __init__(self, task: Task, group: Group) -> None:
        """Set the whole task and the ranks."""
        self.task, self.group = task, group

    @property
    def network(self) -> nn.Module:
        """The network."""
        return self.task.network

    @property
    def data(self) -> Data:
        """The partition."""
        return self.task.data

    def steps(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return self.task.steps(epoch)

    def train_batches(self, epoch: int) -> Iterable[Any]:
        """Return the rows of this rank of the batches of an epoch."""
        return map(self._rows, self.task.train_batches(epoch))

    def valid_batches(self) -> Sequence[Any]:
        """Return the rows of this rank of the batches of the valid split."""
        return [*map(self._rows, self.task.valid_batches())]

    def _rows(self, batch: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return every `size`-th row, so that a row of a contiguous batch continues the same row of the one before."""
        return tuple(part[self.group.rank :: self.group.size] for part in batch)

    def loss(self, batch: Any, state: Any) -> tuple[Tensor, Tensor, Any]:
        """Return the summed loss in nats, the number of counted tokens, and the detached state for the next batch.

        A batch with fewer rows than there are ranks has none for the last ranks, whose loss is zero without a gradient.
        """
        if len(batch[0]):
            return self.task.loss(batch, state)
        device = batch[0].device
        return torch.zeros((), device=device), torch.zeros((), dtype=torch.int64, device=device), None
