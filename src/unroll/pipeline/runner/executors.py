"""Where the commands of the stages run."""

import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from unroll.errors import UnrollError
from unroll.pipeline.durations import Measured
from unroll.pipeline.runner.cluster import CONNECT, Cluster
from unroll.pipeline.runner.shared_folder import share


@contextmanager
def this_machine(jobs: int) -> Iterator[Executor]:
    """Run commands as processes of this machine.

    Args:
        jobs: The maximum number of commands at once.

    Yields:
        The executor. Its threads wait for the processes.
    """
    with ThreadPoolExecutor(jobs, "stage") as executor:
        yield executor


@contextmanager
def cluster(
    address: str, root: Path, needs_gpu: bool, share_threads: bool, known: Mapping[str, Measured]
) -> Iterator[Cluster]:
    """Connect with a cluster, and check its workers.

    Args:
        address: The address of its scheduler, or the file that the scheduler wrote (`--scheduler-file`).
        root: The root of the repository.
        needs_gpu: Whether the stages that depend on the param `device` need a GPU.
        share_threads: Whether the stages on a machine share its cores, since the number of threads changes no result.
        known: The measurements of earlier runs.

    Yields:
        The cluster.

    Raises:
        UnrollError: The extra `cluster` is not installed, no scheduler answers, or the workers are not as needed.
    """
    try:
        from distributed import Client
    except ImportError:
        raise UnrollError("--scheduler needs dask; run `pip install unroll[cluster]`") from None
    for name in ("distributed", "distributed.client", "tornado"):  # what a user must know is said in a sentence
        logging.getLogger(name).setLevel(logging.CRITICAL)
    is_file = Path(address).suffix == ".json"
    if is_file and not Path(address).is_file():
        raise UnrollError(f"--scheduler {address}: there is no such file; start `dask scheduler --scheduler-file`")
    try:
        client = Client(
            **({"scheduler_file": address} if is_file else {"address": address}),
            timeout=CONNECT,
            set_as_default=False,
        )
    except (OSError, ValueError, TypeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UnrollError(
            f"--scheduler {address}: no dask scheduler answers ({reason}); "
            "start `dask scheduler`, or correct the address, such as tcp://host:8786"
        ) from None
    with client, share(root) as shared, Cluster(client, address, shared, needs_gpu, known) as workers:
        workers.check(share_threads)
        yield workers
