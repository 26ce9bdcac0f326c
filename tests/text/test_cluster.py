"""Shards on a cluster of dask: the same results, also after a worker was lost, and an error if the cluster is gone."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.text.conftest import Workshop
from unroll.errors import UnrollError
from unroll.models.ngram import counting
from unroll.shards import map_shards
from unroll.text import raw_shards
from unroll.text.tokenizers.vocabulary import BOS, EOS

pytest.importorskip("distributed", reason="dask is not installed: pip install 'unroll[cluster]'")
pytestmark = pytest.mark.slow


def square(number: int) -> int:
    time.sleep(0.1)
    return number * number


def kill_itself_once(folder: Path, number: int) -> int:
    if number == 3 and not (folder / "killed").exists():
        (folder / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def kill_itself(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


class Cluster:
    """A scheduler and two workers with a nanny each, which starts a killed worker again, in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        self.scheduler = self.start("dask_scheduler", "--scheduler-file", self.file, "--no-dashboard", "--port", "0")
        while not self.file.exists():
            time.sleep(0.1)
        each = ["--nthreads", "1", "--nworkers", "2", "--no-dashboard", "--local-directory", folder / "workers"]
        self.workers = self.start("dask_worker", "--scheduler-file", self.file, *each)
        self.address = json.loads(self.file.read_text())["address"]

    @staticmethod
    def start(module: str, *options: object) -> subprocess.Popen[bytes]:
        environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *map(str, options)],
            env=os.environ | environment,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """End the processes. The nannies end their workers, and a worker ends without its nanny."""
        for process in (self.workers, self.scheduler):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    monkeypatch.setenv("UNROLL_SCHEDULER", found.address)
    yield found
    found.stop()


def test_a_cluster_gives_the_same_results(
    cluster: Cluster, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with map_shards(square, range(20)) as results:
        assert list(results) == [number * number for number in range(20)]

    tokens = np.concatenate([[BOS, *np.random.default_rng(3).integers(4, 30, n % 23), EOS] for n in range(300)])
    workshop.add("".join(f"line {n} \u6771\n" for n in range(900)))
    monkeypatch.setattr(raw_shards, "SHARD_BYTES", 3000)
    monkeypatch.setattr(counting, "SHARD_TOKENS", 800)
    rows, counts = workshop.clean(), counting.count_ngrams(tokens, 3, 30, tmp_path)
    monkeypatch.delenv("UNROLL_SCHEDULER")
    assert workshop.clean() == rows
    for one, other in zip(counts, counting.count_ngrams(tokens, 3, 30), strict=True):
        assert all(np.array_equal(vars(one)[name], vars(other)[name]) for name in vars(one))


def test_the_shard_of_a_lost_worker_is_processed_again(cluster: Cluster, tmp_path: Path) -> None:
    with map_shards(partial(kill_itself_once, tmp_path), range(9)) as results:
        assert list(results) == list(range(9))
    assert (tmp_path / "killed").exists()


def test_a_shard_that_kills_every_worker_is_an_error(cluster: Cluster) -> None:
    with pytest.raises(UnrollError, match="several workers were lost"), map_shards(kill_itself, range(2)) as results:
        list(results)


def test_a_scheduler_that_is_gone_is_an_error(cluster: Cluster) -> None:
    with map_shards(square, itertools.count()) as results:
        next(results)
        cluster.scheduler.kill()
        with pytest.raises(UnrollError, match=r"the scheduler .* is gone"):
            list(results)


def test_an_address_without_a_scheduler_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNROLL_SCHEDULER", "tcp://127.0.0.1:9")
    monkeypatch.setattr("unroll.shards.CONNECT_SECONDS", 2)
    with pytest.raises(UnrollError, match=r"tcp://127\.0\.0\.1:9 cannot be reached"), map_shards(square, [1, 2]):
        pass
