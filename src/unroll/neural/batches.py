"""The batches of an epoch on their way to a device."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch


class Batches:
    """An iterable of batches with a length; for a GPU in pinned memory, so that copying makes nobody wait."""

    def __init__(self, batches: Iterable[Any], length: int, device: torch.device) -> None:
        self.batches, self.length, self.device = batches, length, device

    def __iter__(self) -> Iterator[Any]:
        if self.device.type != "cuda":
            return iter(self.batches)
        return (tuple(part.pin_memory() for part in batch) for batch in self.batches)

    def __len__(self) -> int:
        return self.length
