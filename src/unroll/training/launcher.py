"""The variables by which a scheduler or a launcher describes a job of several processes.

A training is one process. Within an allocation of SLURM, under torchrun or with defaults of Lightning in the
environment, Lightning would otherwise wait for other processes, or train differently.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

PREFIXES = ("SLURM_", "PBS_", "LSB_", "JSM_", "OMPI_", "PMI_", "PMIX_", "TORCHELASTIC_", "PL_")
NAMES = ("RANK", "LOCAL_RANK", "GROUP_RANK", "NODE_RANK", "ROLE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")


@contextmanager
def hidden_launcher() -> Iterator[None]:
    """Hide the variables of schedulers and launchers, and the defaults of Lightning (`PL_...`)."""
    hidden = {name: value for name, value in os.environ.items() if name.startswith(PREFIXES) or name in NAMES}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
