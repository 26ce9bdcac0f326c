"""The device of a training. The bits of a result depend on it, so params.yaml names it, and it is never guessed.

Everything else, such as the evaluation and the use of a model, runs on the CPU.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from unroll.errors import UnrollError


def torch_device(name: str) -> torch.device:
    """Return the device that the setting `device` names.

    Args:
        name: `cpu` or `cuda`.

    Returns:
        The device.

    Raises:
        UnrollError: There is no such device.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UnrollError(
            "params.yaml: device is cuda, but torch finds no GPU; write device: cpu, or install a build of torch with "
            "CUDA on a machine with a GPU"
        )
    return torch.device(name)


@contextmanager
def deterministic(device: torch.device) -> Iterator[None]:
    """Use deterministic algorithms on a GPU, where some sums have no fixed order otherwise. On a CPU nothing changes.

    Args:
        device: The device of the computation.
    """
    if device.type == "cpu":
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it is first used
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
