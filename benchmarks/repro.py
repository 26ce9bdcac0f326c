"""Many small stages on many workers: python -m benchmarks.repro [--json] [--stages N ...] [--workers N] [--peer].

A pipeline of N stages, in as many chains as there are workers, is run from nothing by `unroll repro --scheduler`. All
workers are threads of one process, and each stage is a function that sleeps and writes its output, so that the machine
is not the limit: what is measured is the process that plans the run and talks to DVC, in a process of its own for each
number of stages. The time under the lock of DVC is the time in which other commands of DVC must wait. With --peer,
`dvc repro` runs the smallest pipeline, whose stages are then processes of the shell.
"""

import argparse
import contextlib
import io
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.figures import Figure, figure, show
from unroll.pipeline.runner.command import Command

SECONDS = 0.05
"""The time of a stage."""
UNIT = 2**20 if sys.platform == "darwin" else 2**10
"""The units of ru_maxrss in a MB."""


def make(place: Path, stages: int, chains: int) -> None:
    """Make a repository of DVC with some stages in some chains."""
    place.mkdir()
    (place / "outs").mkdir()
    entries = {
        f"stage-{number}": {
            "cmd": f"sleep {SECONDS} && echo {number} > outs/stage-{number}",
            "deps": [f"outs/stage-{number - chains}"] if number >= chains else [],
            "outs": [f"outs/stage-{number}"],
        }
        for number in range(stages)
    }
    YAML(typ="safe", pure=True).dump({"stages": entries}, place / "dvc.yaml")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], cwd=place, check=True)


def sleep(command: Command) -> int:
    """Do what the command of a stage does, without a process."""
    time.sleep(SECONDS)
    number = command.name.removeprefix("stage-")
    (command.root / "outs" / command.name).write_text(f"{number}\n", encoding="ascii")
    return 0


def run(place: Path, address: str) -> dict[str, float]:
    """Run a pipeline, and measure this process."""
    from unroll.pipeline.runner.cluster import Cluster
    from unroll.pipeline.runner.executors import cluster
    from unroll.pipeline.runner.repository import Repository
    from unroll.pipeline.runner.run import repro

    os.chdir(place)
    repository = Repository(place)
    with cluster(address, place, False, True, {}) as workers, contextlib.redirect_stderr(io.StringIO()):
        began, cpu = time.perf_counter(), time.process_time()
        nodes = repository.collect(())
        planned = time.perf_counter() - began
        workers.submit = lambda _, command: Cluster.submit(workers, sleep, command)  # type: ignore[method-assign]
        repro(repository, nodes, workers, workers)
        return {
            "seconds": time.perf_counter() - began,
            "planned": planned,
            "cpu": time.process_time() - cpu,
            "locked": repository.locked_seconds,
            "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            / (2**20 if sys.platform == "darwin" else 2**10),
        }


def measure(stages: list[int], workers: int, peer: bool) -> Iterator[Figure]:
    """Yield the figures for each number of stages.

    Args:
        stages: The numbers of stages.
        workers: The number of workers.
        peer: Whether `dvc repro` runs the smallest pipeline, too.
    """
    with tempfile.TemporaryDirectory() as folder, serve(workers) as address:
        for count in stages:
            place = Path(folder).resolve() / str(count)
            make(place, count, workers)
            found = _in_a_process(partial(run, place, address))
            ideal = SECONDS * -(-count // workers)
            serial = {}
            if peer and count == min(stages):
                other = Path(folder) / "peer"
                make(other, count, workers)
                began = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-m", "dvc", "repro", "--quiet"], cwd=other, check=True, stdout=subprocess.DEVNULL
                )
                serial = {"peer": "dvc repro", "peer_value": (time.perf_counter() - began) / count * 1000}
                assert (other / "dvc.lock").read_bytes() == (place / "dvc.lock").read_bytes()
            title = f"{count:,} stages on {workers} workers"
            yield figure(f"{title}, time of a stage", found["seconds"] / count * 1000, "ms", **serial)
            yield figure(f"{title}, overhead of a stage", (found["seconds"] - ideal) / count * 1000, "ms")
            yield figure(f"{title}, CPU time of a stage", found["cpu"] / count * 1000, "ms")
            yield figure(f"{title}, under the lock of DVC for a stage", found["locked"] / count * 1000, "ms")
            yield figure(f"{title}, collecting the pipeline", found["planned"], "s")
            yield figure(f"{title}, memory of the head", found["memory"], "MB")


def _in_a_process(work: Any) -> Any:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        return executor.submit(work).result()


@contextmanager
def serve(workers: int) -> Iterator[str]:
    """Start a process with a scheduler and workers, and yield the address of the scheduler."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_cluster, args=(workers, there))
    process.start()
    try:
        yield here.recv()
    finally:
        here.send(None)
        process.join()


def _cluster(workers: int, pipe: Any) -> None:
    from distributed import LocalCluster

    options = {"processes": False, "threads_per_worker": 1, "protocol": "tcp", "dashboard_address": ":0"}
    with LocalCluster(n_workers=workers, memory_limit=0, silence_logs=50, **options) as cluster:
        pipe.send(cluster.scheduler_address)
        pipe.recv()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    parser.add_argument("--stages", type=int, nargs="+", default=[250, 500, 1000, 2000], help="the numbers of stages")
    parser.add_argument("--workers", type=int, default=32, help="the number of workers, each with one thread")
    parser.add_argument("--peer", action="store_true", help="compare with `dvc repro`")
    arguments = parser.parse_args()
    show(measure(arguments.stages, arguments.workers, arguments.peer), arguments.json)


if __name__ == "__main__":
    main()
