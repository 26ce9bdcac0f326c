"""Communication between the ranks of a training.

Lightning trains one process on each rank, which knows nothing of the others. What they share is exchanged here: every
rank gets the values of all ranks and adds them in the order of the ranks. The sums do not depend on the algorithm of
the library that carries the values, so they are those of one process that adds the parts in the same order.
"""

import hashlib
import io
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
import torch
import torch.distributed as dist
from torch import Tensor, nn

from unroll.arithmetic.pins import count_threads
from unroll.arithmetic.threads import is_portable, set_threads
from unroll.errors import UnrollError
from unroll.training.device import torch_device
from unroll.training.ranks.launcher import Place, RankLostError

TIMEOUT = timedelta(minutes=10)
"""The time that a rank waits for another one."""
BACKENDS = {"cpu": "gloo", "cuda": "cpu:gloo,cuda:nccl"}


class Group:
    """The ranks of a training. All of them must call the same methods in the same order."""

    def __init__(self, rank: int, size: int) -> None:
        """Set the number of this rank, from 0, and the number of ranks."""
        self.rank, self.size = rank, size

    def seed(self, seed: int, batch: int) -> int:
        """Return the seed of dropout for a batch, which differs between the ranks. One rank has that of all releases.

        Args:
            seed: The seed of the training.
            batch: The number of the batch in the training.
        """
        if self.size == 1:
            return (seed << 31) + batch
        return int(np.random.SeedSequence([seed, batch, self.rank]).generate_state(1, np.uint64)[0])

    def gather(self, values: Tensor) -> list[Tensor]:
        """Return the values of all ranks in their order.

        Args:
            values: A tensor whose shape and type are the same on all ranks.

        Raises:
            UnrollError: Another rank has ended.
        """
        if self.size == 1:
            return [values]
        gathered = values.new_empty(self.size, *values.shape)
        _call(dist.all_gather, [*gathered.unbind()], values.contiguous())
        return [*gathered.unbind()]

    def add(self, values: Tensor) -> Tensor:
        """Return the sum of the values of all ranks, added in the order of the ranks; see `gather`."""
        total, *others = self.gather(values)
        for other in others:
            total = total + other
        return total

    @torch.no_grad()
    def add_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Set the gradients of all ranks to their sum.

        Args:
            parameters: The parameters. One that has no gradient on any rank gets none.
        """
        if self.size == 1:
            return
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        # -0.0 + x is x for every x, also for 0.0 and -0.0, so a missing gradient changes no bit of the sum.
        parts = [torch.full_like(p, -0.0) if p.grad is None else p.grad for p in trained]
        present = parts[0].new_tensor([p.grad is not None for p in trained])
        first, *others = self.gather(torch.cat([present, *(part.flatten() for part in parts)]))
        for other in others:
            first += other
        present, *sums = torch.split(first, [len(trained), *(p.numel() for p in trained)])
        for parameter, total, count in zip(trained, sums, present.tolist(), strict=True):
            parameter.grad = total.view_as(parameter) if count else None

    def gather_values(self, values: Any) -> list[Any]:
        """Return the values of all ranks in their order.

        Args:
            values: Numbers, strings, tensors, and lists, tuples and dictionaries of them.
        """
        if self.size == 1:
            return [values]
        content = _to_bytes(values)
        lengths = [int(length) for length in self.gather(torch.tensor(len(content)))]
        padded = torch.zeros(max(lengths), dtype=torch.uint8)
        padded[: len(content)] = content
        return [_from_bytes(part[:length]) for part, length in zip(self.gather(padded), lengths, strict=True)]

    def broadcast(self, values: Any) -> Any:
        """Return the values of rank 0 on all ranks; see `gather_values`."""
        if self.size == 1:
            return values
        content = _to_bytes(values) if self.rank == 0 else torch.empty(0, dtype=torch.uint8)
        length = int(self.gather(torch.tensor(len(content)))[0])
        received = content if self.rank == 0 else torch.empty(length, dtype=torch.uint8)
        _call(dist.broadcast, received, 0)
        return _from_bytes(received)

    def require_equal(self, text: str, fault: str) -> None:
        """Compare a text of all ranks.

        Args:
            text: The text, for example a hash.
            fault: The sentence of the error.

        Raises:
            UnrollError: The texts of two ranks differ.
        """
        if len(set(self.gather_values(text))) > 1:
            raise UnrollError(fault)

    def require_equal_weights(self, network: nn.Module) -> None:
        """Compare the weights of all ranks, which make the same steps from the same gradients.

        Args:
            network: The network.

        Raises:
            UnrollError: The weights differ.
        """
        if self.size == 1:
            return
        digest = hashlib.sha256()
        for value in network.state_dict().values():
            digest.update(value.cpu().contiguous().view(torch.uint8).numpy())
        self.require_equal(
            digest.hexdigest(),
            "the ranks of the training have different weights, since their processors compute different bits; train on "
            "processors or GPUs of one kind, or set arithmetic to portable",
        )


ALONE = Group(0, 1)
"""The only rank of a training by one process. It communicates with nobody."""


@contextmanager
def connect(place: Place, device: str) -> Iterator[Group]:
    """Connect this process to the other ranks, by gloo, and on GPUs also by NCCL.

    Args:
        place: The place of this process.
        device: The device of the training, `cpu` or `cuda`.

    Yields:
        The group.

    Raises:
        UnrollError: The ranks do not meet, or there are too few GPUs.
    """
    kind = torch_device(device).type
    if kind == "cuda":
        count = torch.cuda.device_count()
        if place.local_rank >= count and not place.address.startswith("tcp:"):  # SLURM may show each task one GPU only
            raise UnrollError(
                f"rank {place.rank} of the training needs a GPU of its own, but this machine has {count}; lower "
                f"training.ranks, or start the ranks on several machines"
            )
        torch.cuda.set_device(place.local_rank % count)
    if place.address.startswith("file:"):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", _loopback())
    if (host := urlsplit(place.address).hostname) and not _is_known(host):
        raise UnrollError(
            f"the ranks of the training cannot meet at {host}, since this name has no address here; set MASTER_ADDR to "
            f"the address of the first node"
        )
    try:
        dist.init_process_group(
            BACKENDS[kind], init_method=place.address, timeout=TIMEOUT, world_size=place.size, rank=place.rank
        )
    except (RuntimeError, ValueError) as error:
        reason = str(error).split("\n")[0]
        raise RankLostError(
            f"rank {place.rank} did not meet the other {place.size - 1} at {place.address} ({reason}); start all ranks "
            f"at the same time, and let them reach each other"
        ) from error
    threads = count_threads() if is_portable() else torch.get_num_threads()
    try:
        set_threads(max(1, threads // place.sharing))
        yield Group(place.rank, place.size)
    finally:
        set_threads(threads)
        dist.destroy_process_group()


def _is_known(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, None))
    except OSError:
        return False


def _loopback() -> str:
    """Return the name of the interface through which the processes of one machine reach each other."""
    interfaces = psutil.net_if_addrs().items()
    found = (name for name, addresses in interfaces if any(a.address == "127.0.0.1" for a in addresses))
    return next(found, socket.if_indextoname(1))


def _call(function: Callable[..., Any], *arguments: Any) -> None:
    """Call a function of torch.distributed. It raises RuntimeError when a connection ends."""
    try:
        function(*arguments)
    except RuntimeError as error:
        raise RankLostError(
            "the connection to another rank of the training ended; run the stage again to continue from its checkpoint"
        ) from error


def _to_bytes(values: Any) -> Tensor:
    buffer = io.BytesIO()
    torch.save(values, buffer)
    return torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)


def _from_bytes(content: Tensor) -> Any:
    return torch.load(io.BytesIO(content.numpy().tobytes()), map_location="cpu", weights_only=True)
