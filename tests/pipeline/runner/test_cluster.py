"""`unroll repro --scheduler` gives what `dvc repro` gives, whichever process of the cluster is killed."""

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed (.ci/oracles)")

from tests.pipeline.pipeline import environment  # noqa: E402
from tests.pipeline.runner import kills, locked, tiny  # noqa: E402
from unroll.errors import UnrollError  # noqa: E402
from unroll.pipeline.durations import Measured  # noqa: E402
from unroll.pipeline.runner import cluster, executors, shared_folder  # noqa: E402
from unroll.pipeline.runner.command import Command  # noqa: E402
from unroll.pipeline.runner.repository import Node, Repository  # noqa: E402
from unroll.pipeline.runner.run import ExecutorLostError, repro  # noqa: E402

Start = Callable[..., str]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tiny.make(tmp_path.resolve() / "repository")
    monkeypatch.chdir(place)
    monkeypatch.delenv("UNROLL_THREADS", raising=False)
    return place


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a cluster in this process; its address."""
    clusters: list[Any] = []

    def start(*resources: dict[str, float], threads: int = 1) -> str:
        workers = {
            f"worker-{number}": {
                "cls": distributed.Worker,
                "options": {"nthreads": threads, "resources": own, "dashboard_address": ":0"},
            }
            for number, own in enumerate(resources)
        }
        scheduler = {"cls": distributed.Scheduler, "options": {"dashboard_address": ":0", "protocol": "tcp", "port": 0}}
        clusters.append(distributed.SpecCluster(workers, scheduler, silence_logs=50))
        return str(clusters[-1].scheduler_address)

    yield start
    for one in clusters:
        one.close()


def run(place: Path, address: str, needs_gpu: bool = False, known: dict[str, Measured] | None = None) -> None:
    with executors.cluster(address, place, needs_gpu, True, known or {}) as workers:
        repository = Repository(place)
        repro(repository, repository.collect(()), workers, workers)


@pytest.mark.slow
def test_dvc_lock_has_the_same_bytes_for_any_number_of_workers(place: Path) -> None:
    tiny.dvc(place, "repro")
    expected = tiny.lock(place)
    for workers in (1, 2, 4):
        tiny.forget(place)
        with kills.cluster(place, workers) as (address, _):
            run(place, address)
        assert tiny.lock(place) == expected, workers
        assert "didn't change" in tiny.dvc(place, "repro")
        assert tiny.lock(place) == expected
        assert len(tiny.events(place)) == 2 * len(tiny.STAGES)


@pytest.mark.slow
def test_a_failure_on_a_worker_skips_what_depends_on_it_and_nothing_else(place: Path, start: Start) -> None:
    address = start({}, {})
    (place / "fail-b").touch()
    with pytest.raises(UnrollError, match=r"^b failed; e skipped"):
        run(place, address)
    assert {event.name for event in tiny.events(place)} == set(tiny.STAGES) - {"e"}
    (place / "fail-b").unlink()
    run(place, address)
    assert [event.name for event in tiny.events(place)].count("a") == 2  # its result was kept
    assert not list((place / ".dvc/tmp/repro").glob("*.shared*"))


@pytest.mark.slow
@pytest.mark.parametrize("victim", kills.VICTIMS["cluster"])
def test_the_next_run_completes_a_killed_one(tmp_path: Path, victim: str) -> None:
    place = locked.make(tmp_path.resolve() / "repository", seconds=1.0)
    for line in kills.loop(place, "cluster", victim, kills=1, longest=1.0):
        assert victim in line


@pytest.mark.slow
def test_a_full_disk_in_one_stage_is_a_sentence_and_the_others_finish(tmp_path: Path) -> None:
    place = locked.make(tmp_path.resolve() / "repository")
    (place / "full-b").touch()
    with kills.cluster(place, 2) as (address, _), kills.head(place, "--scheduler", address) as head:
        output = head.communicate(timeout=kills.SECONDS)[0]
    assert head.returncode == 1
    assert "b: [Errno 28] No space left on device" in output
    assert "unroll: b failed; e skipped; the logs are in .dvc/tmp/repro" in output
    assert "Traceback" not in output
    assert {path.stem for path in place.glob("*.txt")} == {"a", "c", "d"}


@pytest.mark.slow
def test_two_heads_take_turns(tmp_path: Path) -> None:
    place = locked.make(tmp_path.resolve() / "repository")
    with (
        kills.cluster(place, 1) as (address, _),
        kills.head(place, "--scheduler", address) as one,
        kills.head(place, "--scheduler", address) as other,
    ):
        outputs = [head.communicate(timeout=kills.SECONDS)[0] for head in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0)
    assert sum("waiting for another `unroll repro`" in output for output in outputs) == 1
    assert len([event for event in locked.events(place) if event.what == "begin"]) == len(locked.STAGES)


def test_the_cores_are_shared_by_the_stages_on_them() -> None:
    def worker(host: str, *affinity: int) -> dict[str, Any]:
        return {"host": host, "affinity": list(affinity), "cores": len(affinity)}

    found = {
        "a": worker("one", 0, 1, 2, 3),
        "b": worker("one", 0, 1, 2, 3),
        "c": worker("two", 0, 1, 2, 3),
        "d": worker("two", 4, 5, 6, 7, 8, 9),
        "e": worker("three", 0),
    }
    slots = {"a": 1, "b": 1, "c": 1, "d": 2, "e": 4}
    assert shared_folder.share_cores(found, slots) == {"a": 2, "b": 2, "c": 4, "d": 3, "e": 1}


@pytest.mark.slow
def test_a_stage_gets_the_share_of_its_worker(place: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_folder, "cores", lambda: 8)
    address = start({}, {})
    run(place, address)
    assert {event.threads for event in tiny.events(place)} == {"4"}
    monkeypatch.setenv("UNROLL_THREADS", "3")
    tiny.forget(place)
    (place / "log.txt").unlink(missing_ok=True)
    run(place, address)
    assert {event.threads for event in tiny.events(place)} == {"3"}


def test_stages_ask_for_gpus_and_memory(tmp_path: Path, start: Start) -> None:
    address = start({"GPU": 2, "MEMORY": 100}, {"MEMORY": 50}, {})
    known = {"one": Measured(1.0, 60), "huge": Measured(1.0, 1000)}
    with executors.cluster(address, tmp_path, True, True, known) as workers:
        assert workers.jobs == 3
        node = Node("train@0", "true", (), True, ())
        names = [f"train@{number}" for number in range(5)]
        admitted = [workers.admit(node._replace(name=name), 0) for name in names]
        assert admitted == [{}] * 4 + [None]  # two for each GPU
        assert workers._requests["train@0"] == {"GPU": 1.0}  # it was never measured
        admitted = [workers.admit(node._replace(name=f"cpu@{number}", uses_device=False), 0) for number in range(7)]
        assert admitted == [{}] * 6 + [None]  # two for each thread
        workers.release("train@0")
        workers.release("cpu@0")
        assert workers.admit(node._replace(name="one"), 0) == {}
        assert workers._requests["one"] == {"GPU": 1.0, "MEMORY": 60.0}
        assert workers.admit(node._replace(name="huge", uses_device=False), 0) == {}
        assert workers._requests["huge"] == {"MEMORY": 100.0}  # it runs alone on the largest worker
    with executors.cluster(address, tmp_path, False, True, {}) as workers:
        assert workers.admit(node, 0) == {}
        assert workers._requests[node.name] == {}  # device is cpu


def test_a_stage_that_needs_a_gpu_runs_where_one_is(place: Path, start: Start) -> None:
    address = start({}, {"GPU": 1})
    text = (place / "params.yaml").read_text()
    (place / "params.yaml").write_text(text + "device: cuda\n")
    (place / "dvc.yaml").write_text((place / "dvc.yaml").read_text().replace("- d\n", "- d\n    - device\n"))
    with executors.cluster(address, place, True, True, {}) as workers:
        gpu = next(name for name, worker in workers._workers.items() if worker["resources"])
        repository = Repository(place)
        nodes = repository.collect(())
        assert {node.name for node in nodes.values() if node.uses_device} == {"d"}
        workers.admit(nodes["d"], 0)
        command = Command("d", "true", place, place / "alive")
        assert workers.submit(_where, command).result() == gpu


def _where(command: Command) -> str:
    return str(distributed.get_worker().address)


def refused(place: Path, address: str, needs_gpu: bool = False) -> str:
    with pytest.raises(UnrollError) as error, executors.cluster(address, place, needs_gpu, True, {}):
        pass
    assert not list(place.glob(".dvc/tmp/repro/*.shared*"))
    return str(error.value)


def test_what_is_wrong_with_a_scheduler_is_a_sentence(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "CONNECT", 0.5)
    monkeypatch.setattr(cluster, "JOIN", 0.5)
    assert refused(tmp_path, "tcp://127.0.0.1:9").startswith(
        "--scheduler tcp://127.0.0.1:9: no dask scheduler answers ("
    )
    assert refused(tmp_path, "nonsense://x").startswith("--scheduler nonsense://x: no dask scheduler answers (")
    assert refused(tmp_path, "x.json") == (
        "--scheduler x.json: there is no such file; start `dask scheduler --scheduler-file`"
    )
    assert (
        refused(tmp_path, address := start())
        == f"--scheduler {address}: no worker has joined in 0.5 s; start `dask worker`"
    )
    assert refused(tmp_path, start({}), needs_gpu=True) == (
        "device is cuda and no worker has a GPU; start workers with `--resources GPU=1`"
    )
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert refused(tmp_path, "tcp://127.0.0.1:9") == "--scheduler needs dask; run `pip install unroll[cluster]`"


def test_what_is_wrong_with_a_worker_is_a_sentence(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = start({})
    with monkeypatch.context() as patch:
        numbers = itertools.count()
        patch.setattr(shared_folder, "version", lambda name: f"2.{next(numbers)}+cpu")
        message = "has torch 2.2, and this process has 2.0; start the workers in the same environment"
        assert message in refused(tmp_path, address)
    with monkeypatch.context() as patch:
        patch.setattr(shared_folder.FileLock, "acquire", lambda *_, **__: None)
        assert "does not respect locks of files in this folder; mount it with locks" in refused(tmp_path, address)


def test_a_worker_loads_neither_dvc_nor_torch() -> None:
    program = (
        "import sys, unroll.pipeline.runner.shared_folder; sys.exit(bool({'dvc', 'torch', 'numpy'} & {*sys.modules}))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_a_killed_process_left_in_the_shared_folder_is_removed(tmp_path: Path) -> None:
    with shared_folder.share(tmp_path) as first:
        left = first.path.with_name("left.shared")
        left.write_text("{}")
        with shared_folder.share(tmp_path) as second:
            assert sorted(first.path.parent.glob("*.shared")) == sorted([first.path, second.path])
    assert list(first.path.parent.iterdir()) == []


def test_a_worker_that_joins_later_is_checked_before_it_runs_anything(tmp_path: Path) -> None:
    with shared_folder.share(tmp_path) as shared:
        shared.check()
        shared.path.rename(tmp_path / "away")
        with pytest.raises(UnrollError, match=r"a worker on .* does not see the files of this folder \(No such"):
            shared.check()
        (tmp_path / "away").rename(shared.path)


@pytest.mark.slow
def test_a_worker_without_the_shared_folder_is_a_sentence(place: Path) -> None:
    hidden = ["unshare", "--mount", "sh", "-c"]
    if not shutil.which("unshare") or subprocess.run([*hidden, "mount -t tmpfs none /mnt"], check=False).returncode:
        pytest.skip("this process may not mount a file system, so that no worker can be without the folder")
    with kills.cluster(place, 1) as (address, _):
        scheduler = json.loads(Path(address).read_text())["address"]
        worker = f"exec {sys.executable} -m dask worker {scheduler} --no-nanny --no-dashboard --local-directory /tmp"
        line = f"mount -t tmpfs none {place} && cd / && {worker}"
        variables = environment(PYTHONPATH=os.pathsep.join(sys.path))
        other = subprocess.Popen([*hidden, line], env=variables, stderr=subprocess.DEVNULL)
        try:
            with distributed.Client(scheduler, set_as_default=False) as client:
                client.wait_for_workers(2, timeout=kills.SECONDS)
            assert (
                "does not see the files of this folder (No such file or directory); put it on a file system"
                in refused(place, address)
            )
        finally:
            other.kill()
            other.wait()
    assert tiny.events(place) == []


def test_what_is_submitted_while_the_scheduler_goes_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Client:
        status = "connecting"

        def get_executor(self, **_: Any) -> ThreadPoolExecutor:
            raise RuntimeError("the client is closed")

    monkeypatch.setattr(cluster, "REFRESH", 0.01)
    with shared_folder.share(tmp_path) as shared, cluster.Cluster(Client(), "x", shared, False, {}) as workers:
        command = Command("a", "true", tmp_path, tmp_path / "alive")
        with pytest.raises(ExecutorLostError):
            workers.submit(_where, command)
        waiting: cluster.Future[int] = cluster.Future()  # as the client of dask leaves it
        workers._running.add(waiting)
        workers._watch()
        with pytest.raises(ExecutorLostError, match="--scheduler x: the scheduler is gone"):
            waiting.result(timeout=0)
        with pytest.raises(ExecutorLostError):
            workers.submit(_where, command)


def test_a_worker_that_is_killed_again_and_again_is_a_sentence(tmp_path: Path, start: Start) -> None:
    with executors.cluster(start({}), tmp_path, False, True, {}) as workers:
        inner: Any = cluster.Future()
        outer: Any = cluster.Future()
        state = type("Worker", (), {"address": "tcp://x", "name": "x"})()
        inner.set_exception(distributed.KilledWorker("task", state, 3))
        workers._forward(inner, outer)
        with pytest.raises(UnrollError, match=r"^4 workers that ran it were killed; look at their logs"):
            outer.result()
        inner, outer = cluster.Future(), cluster.Future()
        inner.cancel()
        workers._forward(inner, outer)
        with pytest.raises(ExecutorLostError, match="the scheduler is gone; what is finished is stored"):
            outer.result()
