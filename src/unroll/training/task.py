"""The protocol of training tasks."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from unroll.text.streams import Data


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
