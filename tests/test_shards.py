"""Shards are processed by this process, by others or by a cluster, with the same results in the same order."""

import itertools
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from unroll.errors import UnrollError
from unroll.shards import ATTEMPTS, IN_FLIGHT, map_shards


def square(number: int) -> int:
    time.sleep(0.05 * (number % 3 == 0))  # so that later shards end first
    return number * number


def fail(number: int) -> int:
    if number == 2:
        raise UnrollError("a.txt: line 2: there is no tab")
    return number


def kill_itself(folder: Path, times: int, number: int) -> int:
    """Kill the worker of shard 3 the first times that it is processed."""
    if number == 3:
        starts = len(list(folder.iterdir()))
        (folder / str(starts)).touch()
        if starts < times:
            os.kill(os.getpid(), signal.SIGKILL)
    return number


def describe(number: int) -> tuple[int, dict[str, str | None], list[str]]:
    names = [f"{name}_NUM_THREADS" for name in ("OMP", "RAYON")]
    return os.getpid(), {name: os.environ.get(name) for name in names}, sorted(sys.modules)


@pytest.fixture(params=["1", "2", "4"])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("UNROLL_WORKERS", request.param)
    return int(request.param)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLL_WORKERS", "2")


@pytest.mark.slow
def test_results_have_the_order_of_the_shards(workers: int) -> None:
    with map_shards(square, range(20)) as results:
        assert list(results) == [number * number for number in range(20)]


@pytest.mark.parametrize("shards", [[], [7]])
def test_one_shard_needs_no_other_process(workers: int, shards: list[int]) -> None:
    with map_shards(describe, shards) as results:
        assert {pid for pid, _, _ in results} <= {os.getpid()}


@pytest.mark.slow
def test_a_worker_has_one_thread_and_no_heavy_library(two: None) -> None:
    with map_shards(describe, range(4)) as results:
        for pid, threads, modules in results:
            assert pid != os.getpid()
            assert set(threads.values()) == {"1"}
            assert not {"torch", "pytorch_lightning", "mlflow", "matplotlib"} & set(modules)


@pytest.mark.slow
def test_shards_are_read_as_they_are_needed(two: None) -> None:
    read = itertools.count()
    with map_shards(square, (next(read) for _ in range(100))) as results:
        next(results)
        assert next(read) <= IN_FLIGHT * 2 + 1


def test_an_error_is_that_of_the_first_shard_that_fails(workers: int) -> None:
    found = []
    with pytest.raises(UnrollError, match=r"^a\.txt: line 2: there is no tab$"), map_shards(fail, range(9)) as results:
        found.extend(results)
    assert len(found) < 2 or found == [0, 1]


@pytest.mark.slow
def test_no_worker_is_left(two: None) -> None:
    """Neither of those that end a shard nor of those that wait for one, also after an error."""
    with map_shards(describe, itertools.count()) as results:
        workers = {next(results)[0] for _ in range(8)}
    assert workers
    assert not any(psutil.pid_exists(pid) for pid in workers)


@pytest.mark.slow
def test_a_shard_whose_worker_is_killed_is_processed_again(two: None, tmp_path: Path) -> None:
    with map_shards(partial(kill_itself, tmp_path, ATTEMPTS - 1), range(9)) as results:
        assert list(results) == list(range(9))
    assert len(list(tmp_path.iterdir())) == ATTEMPTS


@pytest.mark.slow
def test_a_shard_that_kills_every_worker_is_an_error(two: None, tmp_path: Path) -> None:
    kill = partial(kill_itself, tmp_path, 100)
    with pytest.raises(UnrollError, match="a worker was killed 3 times"), map_shards(kill, range(9)) as results:
        list(results)


@pytest.mark.parametrize("value", ["0", "-1", "two", ""])
def test_a_wrong_number_of_workers_is_an_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("UNROLL_WORKERS", value)
    with pytest.raises(UnrollError, match="UNROLL_WORKERS is "), map_shards(square, range(2)):
        pass


@pytest.mark.slow
def test_workers_end_with_a_killed_parent() -> None:
    """The parent has no time to end them, and no signal tells them."""
    code = "import os; os.environ['UNROLL_WORKERS'] = '2'\nfrom unroll.shards import map_shards\nimport time\n"
    code += "if __name__ == '__main__':\n  with map_shards(time.sleep, [60] * 4) as results:\n    list(results)\n"
    parent = subprocess.Popen([sys.executable, "-c", code])
    try:
        deadline = time.monotonic() + 60
        workers: list[psutil.Process] = []
        while len(workers) < 2 and time.monotonic() < deadline:
            children = psutil.Process(parent.pid).children()
            workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
            time.sleep(0.1)
        time.sleep(1)
        assert len(workers) == 2
    finally:
        parent.kill()
        parent.wait()
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert alive == []
