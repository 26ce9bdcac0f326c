"""Checkpoints, from which a killed training resumes: one file that is replaced atomically and read without pickle.

The file holds the SHA-256 of its content, then what `torch.save` writes. Its name is a hash of everything that the
result depends on (the code of the package, torch, threads, settings, initial weights, data), so a training never
resumes from the checkpoint of another one. Rank 0 writes the file for all ranks of a training, and reads it for them.
"""

import hashlib
import io
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from unroll.arithmetic.threads import is_portable
from unroll.fingerprint import code_hash
from unroll.params.training import Training
from unroll.text.streams import Data
from unroll.training.ranks.process_group import ALONE, Group

DIGEST = 32  # bytes of a SHA-256
logger = logging.getLogger("unroll")


class Checkpoint:
    """The checkpoint file of one training."""

    def __init__(self, path: Path, group: Group = ALONE) -> None:
        """Set the path of the file, and the ranks of the training."""
        self.path, self.group = path, group

    @classmethod
    def for_training(
        cls,
        folder: Path | None,
        data: Data,
        params: Training,
        network: nn.Module,
        steps: list[int],
        device: str,
        group: Group,
    ) -> "Checkpoint | None":
        """Return the checkpoint file of a training.

        Args:
            folder: The folder of checkpoints; None for no checkpoints.
            data: The partition.
            params: The settings of the training.
            network: The network with its initial weights.
            steps: The number of batches of each epoch.
            device: The device of the training.
            group: The ranks of the training. All of them give a folder, or none.

        Returns:
            The checkpoint, or None without a folder.

        Raises:
            UnrollError: The training of another rank is not the same.
        """
        if folder is None:
            return None
        name = _fingerprint(data, params, network, steps, device)
        group.require_equal(
            name,
            "the ranks of the training differ in their code, libraries, settings, data, device or number of threads; "
            "start all of them in the same folder or in equal copies of it, with the same UNROLL_THREADS",
        )
        return cls(folder / f"{name}.ckpt", group)

    def write(self, values: dict[str, Any], of_rank: dict[str, Any]) -> None:
        """Write values: numbers, strings, tensors, and lists, tuples and dictionaries of them.

        The old file stays until the new one is on the disk.

        Args:
            values: The values that are the same on all ranks.
            of_rank: The values of this rank, with other names.
        """
        ranks = self.group.gather_values(of_rank)
        if self.group.rank == 0:
            self._write(values | {"ranks": ranks})

    def _write(self, values: dict[str, Any]) -> None:
        buffer = io.BytesIO()
        torch.save(values, buffer)
        content = buffer.getbuffer()  # no copy
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".part")
        with temporary.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)

    def read(self) -> dict[str, Any] | None:
        """Return the last values, with those of this rank; None if there is no file, or if it is damaged."""
        saved = self.group.broadcast(self._read() if self.group.rank == 0 else None)
        return saved | saved.pop("ranks")[self.group.rank] if saved else None

    def _read(self) -> dict[str, Any] | None:
        if not self.path.is_file():
            return None
        content = memoryview(self.path.read_bytes())  # its slices are no copies
        if hashlib.sha256(content[DIGEST:]).digest() != content[:DIGEST]:
            logger.warning("%s: the checkpoint is damaged; training starts from the beginning", self.path)
            return None
        return torch.load(io.BytesIO(content[DIGEST:]), map_location="cpu", weights_only=True)


def _fingerprint(data: Data, params: Training, network: nn.Module, steps: list[int], device: str) -> str:
    digest = hashlib.sha256(code_hash().encode())
    machine = (torch.__version__, is_portable() or torch.get_num_threads(), device)
    numbers = (*machine, data.seed, data.vocabulary_size)
    digest.update(repr((numbers, params.model_dump(), steps, network)).encode())
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.contiguous().view(torch.uint8).numpy())
    for split in ("train", "valid"):
        for side, stream in data.streams[split].items():
            digest.update(f"{split} {side}".encode())
            for array in (stream.tokens, stream.offsets):
                digest.update(np.ascontiguousarray(array))  # type: ignore[arg-type]  # no copy of a memory map
        digest.update(repr(data.labels.get(split)).encode())
    return digest.hexdigest()[:32]
