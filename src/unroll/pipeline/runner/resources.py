"""What the stages that run at once on one machine may use: processes, threads, memory and GPUs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from unroll.errors import UnrollError
from unroll.pipeline.durations import Measured, estimate

if TYPE_CHECKING:  # a worker of a cluster, which imports this module, needs no DVC
    from unroll.pipeline.runner.repository import Node

UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parse_memory(text: str) -> int:
    """Return the number of bytes that a text such as 8G or 500M stands for; nothing stands for the free memory.

    Raises:
        UnrollError: It is no such text.
    """
    if not text:
        return psutil.virtual_memory().available
    number, unit = text[:-1], text[-1].upper()
    if unit not in UNITS or not number.replace(".", "", 1).isdigit() or not float(number):
        raise UnrollError(f"--memory is {text}; give a number with a unit, such as 8G or 500M")
    return int(float(number) * UNITS[unit])


@dataclass
class Resources:
    """What is in use. Sizes of the machine never change a result."""

    jobs: int
    """The maximum number of stages at once."""
    memory: int
    """The memory in bytes that all stages together may need, as far as earlier runs tell."""
    gpus: tuple[str, ...]
    """The GPUs, as CUDA_VISIBLE_DEVICES names them. Each of them has one stage at a time."""
    share_threads: bool
    """Whether the stages share the cores, since the number of threads does not change results."""
    known: Mapping[str, Measured]
    """The measurements of earlier runs."""
    running: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    """The memory and the GPU of each running stage."""

    def admit(self, node: "Node", ready: int) -> dict[str, str] | None:
        """Reserve what a stage needs.

        A stage that needs more memory than there is runs alone.

        Args:
            node: The stage.
            ready: The number of other stages that could start now.

        Returns:
            The environment variables of its command; None if the stage must wait.
        """
        if len(self.running) >= self.jobs:
            return None
        expected = estimate(node.name, self.known)
        memory = expected.memory if expected else 0
        if self.running and memory + sum(used for used, _ in self.running.values()) > self.memory:
            return None
        variables, gpu = {}, None
        if node.uses_device and self.gpus:
            taken = {used for _, used in self.running.values()}
            free = [name for name in self.gpus if name not in taken]
            if not free:
                return None
            variables["CUDA_VISIBLE_DEVICES"] = gpu = free[0]
        share = str(max(1, cores() // min(self.jobs, len(self.running) + 1 + ready)))
        if self.share_threads and "UNROLL_THREADS" not in os.environ:
            variables["UNROLL_THREADS"] = share
        if "UNROLL_WORKERS" not in os.environ:
            variables["UNROLL_WORKERS"] = share
        self.running[node.name] = (memory, gpu)
        return variables

    def release(self, name: str) -> None:
        """Return what a stage has reserved."""
        self.running.pop(name, None)


def visible_gpus() -> tuple[str, ...]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return tuple(named.split(",")) if named else tuple(map(str, range(torch.cuda.device_count())))
