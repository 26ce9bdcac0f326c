"""The variables by which a scheduler or a launcher describes a job of several processes.

A training of one rank is one process. Within an allocation of SLURM, under torchrun or with defaults of Lightning in
the environment, Lightning would otherwise wait for other processes, or train differently. Each process of a training of
several ranks takes its place from the variables of torchrun, of SLURM's srun, or of `unroll.training.ranks`.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from unroll.errors import UnrollError

PREFIXES = ("SLURM_", "PBS_", "LSB_", "JSM_", "OMPI_", "PMI_", "PMIX_", "TORCHELASTIC_", "PL_")
NAMES = ("RANK", "LOCAL_RANK", "GROUP_RANK", "NODE_RANK", "ROLE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
RANK, SIZE, FOLDER = "UNROLL_RANK", "UNROLL_RANKS", "UNROLL_RANKS_FOLDER"
"""The variables of the ranks that rank 0 starts on its own machine."""
TORCHRUN = {"RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}
"""The variables of torchrun."""
STORE = "store"
"""The file of the folder of the ranks of one machine through which they meet."""


class RankLostError(UnrollError):
    """The connection to another rank has ended, or was never made."""


@dataclass(frozen=True)
class Place:
    """The place of a process among the ranks of a training."""

    rank: int
    size: int
    """The number of ranks."""
    local_rank: int
    """The number of this process among those of its machine, which is also that of its GPU."""
    sharing: int
    """The number of processes that share the threads of this process."""
    address: str
    """Where the ranks meet, as a URL of torch.distributed."""
    folder: Path | None = None
    """The folder of the ranks of one machine, if rank 0 started the others."""


@contextmanager
def hidden_launcher() -> Iterator[None]:
    """Hide the variables of schedulers and launchers, and the defaults of Lightning (`PL_...`)."""
    hidden = {name: value for name, value in os.environ.items() if is_of_launcher(name)}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def is_of_launcher(name: str) -> bool:
    """Return whether a variable of this name is one of a scheduler, of a launcher or of Lightning."""
    return name.startswith(PREFIXES) or name in NAMES


def find_place(ranks: int) -> Place | None:
    """Return the place that a launcher has given to this process among the ranks of a training.

    Args:
        ranks: The number of ranks, `training.ranks`.

    Returns:
        The place; None if the training has one rank, or if no launcher has started several processes.

    Raises:
        UnrollError: A launcher has started another number of processes.
    """
    if ranks == 1:
        return None
    place = _find_local(os.environ) or _find_torchrun(os.environ) or _find_slurm(os.environ)
    if place is None or place.size == 1:
        return None
    if place.size != ranks:
        raise UnrollError(
            f"training.ranks is {ranks}, but the launcher started {place.size} processes; start {ranks} processes, "
            f"or set training.ranks to {place.size}"
        )
    return place


def _find_local(variables: Mapping[str, str]) -> Place | None:
    """Return the place of a process that rank 0 started. The threads that it is given are its own."""
    if RANK not in variables:
        return None
    rank, folder = int(variables[RANK]), Path(variables[FOLDER])
    return Place(rank, int(variables[SIZE]), rank, 1, f"file://{folder / STORE}", folder)


def _find_torchrun(variables: Mapping[str, str]) -> Place | None:
    """Return the place of a process of torchrun, or of another launcher with the same variables."""
    if not variables.keys() >= TORCHRUN:
        return None
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    rank, size, local_rank, sharing = (int(variables[name]) for name in names)
    return Place(rank, size, local_rank, sharing, "env://")


def _find_slurm(variables: Mapping[str, str]) -> Place | None:
    """Return the place of a task of srun, which has processor cores of its own.

    The ranks meet on the first node of the step, at a port that follows from the numbers of the job and the step,
    unless MASTER_ADDR and MASTER_PORT name another place. A batch script is no step: its trainings start their ranks.
    """
    if "SLURM_STEP_NUM_TASKS" not in variables or "SLURM_STEP_NODELIST" not in variables:
        return None
    rank, size, local_rank, job, step = (
        int(variables[f"SLURM_{name}"]) for name in ("PROCID", "STEP_NUM_TASKS", "LOCALID", "JOB_ID", "STEP_ID")
    )
    host = variables.get("MASTER_ADDR") or first_node(variables["SLURM_STEP_NODELIST"])
    port = variables.get("MASTER_PORT") or str(15_000 + (17 * job + step) % 15_000)
    return Place(rank, size, local_rank, 1, f"tcp://{host}:{port}")


def first_node(nodes: str) -> str:
    """Return the first node of a list as SLURM writes it: `gpu[03-05,09],cpu1` begins with `gpu03`."""
    return re.sub(r"\[(\w+).*?\]", r"\1", nodes).split(",")[0]
