"""Kill the processes of a run at random moments, and run it again: python -m tests.pipeline.runner.kills --help.

After each kill the next run must end with the dvc.lock of an undisturbed `dvc repro`, and no two processes of a stage
may have written at the same time.
"""

import argparse
import collections
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tests.pipeline.pipeline import environment
from tests.pipeline.runner import locked, tiny
from unroll.pipeline.runner import executors
from unroll.pipeline.runner.repository import Repository
from unroll.pipeline.runner.run import repro

VICTIMS = {"local": ("head", "stage"), "cluster": ("head", "stage", "worker", "scheduler")}
SECONDS = 90


@contextmanager
def process(place: Path, *arguments: str, **variables: str) -> "Iterator[subprocess.Popen[str]]":
    """Start a program of Python in `place`, and end it and all its children at the end of the block."""
    path = os.pathsep.join(sys.path)
    log = (place / ".dvc" / "tmp" / f"{arguments[1]}.log").open("a")
    started = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=place,
        env=environment(PYTHONPATH=path, **variables),
        text=True,
        stdout=subprocess.PIPE if arguments[1] == "unroll" else log,
        stderr=subprocess.STDOUT,
    )
    try:
        yield started
    finally:
        children = psutil.Process(started.pid).children(recursive=True) if started.poll() is None else []
        started.kill()
        for child in children:
            if child.is_running():
                child.kill()
        started.communicate()
        log.close()


@contextmanager
def cluster(place: Path, workers: int, threads: int = 1, *options: str) -> Iterator[tuple[str, list[int]]]:
    """Start a scheduler and workers as separate processes; the file with the address, and the processes."""
    address = place / ".dvc" / "tmp" / "scheduler.json"
    address.unlink(missing_ok=True)
    with ExitStack() as stack:
        start = ["-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        scheduler = stack.enter_context(process(place, *start, "--scheduler-file", str(address)))
        found = [scheduler.pid]
        deadline = time.monotonic() + SECONDS
        while not address.exists() or not address.read_text().rstrip().endswith("}"):  # dask does not replace it
            assert scheduler.poll() is None, "the scheduler does not start"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        start = ["-m", "dask", "worker", "--scheduler-file", str(address), "--nthreads", str(threads), "--no-dashboard"]
        folder = ["--local-directory", str(place / ".dvc" / "tmp")]
        found += [stack.enter_context(process(place, *start, *folder, *options)).pid for _ in range(workers)]
        yield str(address), found


def head(place: Path, *arguments: str) -> "contextlib.AbstractContextManager[subprocess.Popen[str]]":
    """Start `unroll repro`."""
    return process(place, "-m", "unroll", "repro", *arguments)


def finish(place: Path, address: str | None) -> None:
    """Run the stages to their end, in this process."""
    with contextlib.chdir(place):
        if address is None:
            tiny.run(place)
            return
        with executors.cluster(address, place, False, True, {}) as workers:
            repository = Repository(place)
            repro(repository, repository.collect(()), workers, workers)


def kill_once(place: Path, victim: str, moment: float, address: str | None, found: list[int]) -> tuple[int, str]:
    """Kill a victim `moment` seconds after the first stage has begun; the exit code and the output of the run."""
    with head(place, *(["-j", "2"] if address is None else ["--scheduler", address])) as run:
        deadline = time.monotonic() + SECONDS
        while not locked.events(place):
            assert run.poll() is None, run.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(moment)
        _kill(place, victim, run.pid, found)
        output = run.communicate(timeout=SECONDS)[0]
    assert "Traceback" not in output, output
    if victim == "scheduler" and run.returncode:
        assert "the scheduler is gone; what is finished is stored" in output, output
    return run.returncode, output


def _kill(place: Path, victim: str, head: int, cluster: list[int]) -> None:
    if victim == "head":
        os.kill(head, signal.SIGKILL)
    elif victim == "scheduler":
        os.kill(cluster[0], signal.SIGKILL)
    elif victim == "worker":  # a worker process, which is a child of its nanny
        nanny = psutil.Process(random.choice(cluster[1:]))
        workers = [child for child in nanny.children() if "spawn_main" in " ".join(child.cmdline())]
        workers[0].kill()
    else:
        names = {f"{name}.py" for name in locked.STAGES}
        for one in random.sample(pids := psutil.pids(), len(pids)):
            try:
                is_stage = Path(psutil.Process(one).cwd()) == place and psutil.Process(one).cmdline()[-1] in names
                if is_stage:
                    os.kill(one, signal.SIGKILL)
                    return
            except (psutil.Error, IndexError, ProcessLookupError):
                continue


def expected(place: Path) -> bytes:
    """The dvc.lock of an undisturbed `dvc repro`."""
    tiny.dvc(place, "repro")
    result = tiny.lock(place)
    locked.forget(place)
    return result


def loop(place: Path, runner: str, victim: str, kills: int, longest: float) -> Iterator[str]:
    """Kill a victim at random moments; what happened each time."""
    right = expected(place)
    with ExitStack() as stack:
        options = ["--no-nanny"] if victim == "scheduler" else []  # the nanny starts a killed worker again
        address, found = stack.enter_context(cluster(place, 2, 1, *options)) if runner == "cluster" else (None, [])
        for number in range(kills):
            moment = random.uniform(0, longest)
            code, output = kill_once(place, victim, moment, address, found)
            if victim == "scheduler":
                stack.close()  # what is left of the cluster
                address, found = stack.enter_context(cluster(place, 2, 1, *options))
            finish(place, address)
            starts = collections.Counter(event.name for event in locked.events(place) if event.what == "begin")
            assert tiny.lock(place) == right, f"kill {number} after {moment:.2f} s: another dvc.lock\n{output}"
            locked.assert_no_stage_beside_itself(place)
            twice = {name: count for name, count in starts.items() if count > 1}
            yield f"{victim} killed after {moment:.2f} s: exit code {code}, begun more than once: {twice or 'none'}"
            locked.forget(place)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runner", choices=VICTIMS, required=True)
    parser.add_argument("--victim", required=True)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=5.0, help="seconds after the first start")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        place = locked.make(Path(folder).resolve() / "repository")
        for line in loop(place, arguments.runner, arguments.victim, arguments.kills, arguments.longest):
            print(line, flush=True)


if __name__ == "__main__":
    main()
