"""What a training run needs to go on after a kill: one file, replaced whole, read without pickled code.

The file is the sha256 of what follows it, then what `torch.save` writes. Its name is a hash of everything the result
depends on (the package's own code, torch, threads, params, the weights at the start, the data), so a run that was
changed never goes on from the file of another.
"""

import hashlib
import io
import logging
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from unroll.params.models.training import Training
from unroll.partition import Data

DIGEST = 32  # bytes of a sha256
logger = logging.getLogger("unroll")


class Checkpoint:
    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, data: Data, params: Training, network: nn.Module, steps: list[int]) -> "Checkpoint | None":
        """The file of this run in `data.checkpoints`; None where nothing is to be kept. `network` is as it starts."""
        if data.checkpoints is None:
            return None
        return cls(data.checkpoints / f"{_fingerprint(data, params, network, steps)}.ckpt")

    def write(self, values: dict[str, Any]) -> None:
        """Numbers, strings, tensors, and lists, tuples and dictionaries of them. The old file stays until the new one
        is on the disk."""
        buffer = io.BytesIO()
        torch.save(values, buffer)
        content = buffer.getvalue()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".part")
        with temporary.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)

    def read(self) -> dict[str, Any] | None:
        """What was written last; None if there is nothing, or nothing that can be trusted."""
        if not self.path.is_file():
            return None
        content = self.path.read_bytes()
        if hashlib.sha256(content[DIGEST:]).digest() != content[:DIGEST]:
            logger.warning("%s: the checkpoint is damaged; training starts from the beginning", self.path)
            return None
        return torch.load(io.BytesIO(content[DIGEST:]), map_location="cpu", weights_only=True)


def _fingerprint(data: Data, params: Training, network: nn.Module, steps: list[int]) -> str:
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(file.read_bytes())
    numbers = (torch.__version__, torch.get_num_threads(), torch.cuda.is_available(), data.seed, data.vocabulary_size)
    digest.update(repr((numbers, params.model_dump(), steps, network)).encode())
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.contiguous().view(torch.uint8).numpy())
    for split in ("train", "valid"):
        for side, stream in data.streams[split].items():
            digest.update(f"{split} {side}".encode())
            digest.update(stream.tokens.tobytes())
            digest.update(stream.offsets.tobytes())
    return digest.hexdigest()[:32]
