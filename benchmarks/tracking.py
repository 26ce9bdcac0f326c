"""The tables and pages of many runs: python -m benchmarks.tracking [--json] [--runs N] [--rounds N].

A store of N runs is made in a temporary folder, each with the params, tags, metrics and curve of a model. Then the
verbs, the search of the server for the first page of its table and its HTML page are measured. `unroll leaderboard`
reads metrics/ of the present folder, and is skipped if there are none. The peer of `unroll runs` is a process that
calls `mlflow.search_runs` and prints nothing.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import requests

from benchmarks.figures import Figure, figure, show

PARAMS, TAGS, METRICS, EPOCHS = 60, 25, 40, 30
"""The numbers of params, tags and metrics of a run, and of the points of each of its two curves."""
PAGE = 100
"""The number of runs that the table of MLflow asks for first."""
START_SECONDS = 120
"""The maximum time for the start of the server."""
SEARCH = "import mlflow; mlflow.set_tracking_uri({!r}); mlflow.search_runs(experiment_names=['unroll'])"


def measure(runs: int, rounds: int) -> Iterator[Figure]:
    """Yield the figures of a store.

    Args:
        runs: The number of runs.
        rounds: The number of times that each figure is measured.
    """
    from unroll.tracking import store

    with tempfile.TemporaryDirectory() as folder:
        os.environ["DVC_ROOT"] = folder
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        store.prepare()
        start = time.perf_counter()
        experiment = make_runs(runs)
        yield figure(f"log {runs:,} runs", (time.perf_counter() - start) / runs * 1000, "ms")
        if any(Path("metrics").glob("*.json")):
            seconds = _median(lambda: _run("-m", "unroll", "leaderboard"), rounds)
            yield figure("unroll leaderboard", seconds, "s", goal="below 2 s")
        seconds = _median(lambda: _run("-m", "unroll", "runs"), rounds)
        peer = _median(lambda: _run("-W", "ignore", "-c", SEARCH.format(store.address())), rounds)
        yield figure(f"unroll runs, {runs:,} runs", seconds, "s", "mlflow.search_runs", peer)
        start = time.perf_counter()
        with _serve() as address:
            yield figure("start of unroll ui", time.perf_counter() - start, "s")
            query = {"experiment_ids": [experiment], "max_results": PAGE, "order_by": ["attributes.start_time DESC"]}
            search = f"{address}/ajax-api/2.0/mlflow/runs/search"
            found = requests.post(search, json=query, timeout=60).json()["runs"]
            assert len(found) == min(PAGE, runs)
            seconds = _median(lambda: requests.post(search, json=query, timeout=60).raise_for_status(), rounds)
            yield figure(f"first {PAGE} of {runs:,} runs by REST", seconds, "s", goal="below 2 s")
            seconds = _median(lambda: requests.get(address, timeout=60).raise_for_status(), rounds)
            yield figure("HTML page of MLflow", seconds, "s", goal="below 2 s")


def make_runs(count: int) -> str:
    """Log runs to the store, and return the id of their experiment."""
    import mlflow
    from mlflow.entities import Metric, Param, RunTag

    from unroll.tracking import store

    client = mlflow.MlflowClient(store.prepare())
    experiment = store.experiment_id(client)
    for number in range(count):
        start = 1_795_860_000_000 + 1000 * number
        run = client.create_run(experiment, start_time=start, run_name=f"model_{number}").info.run_id
        values = {"test_perplexity": 100 + number % 50, "bits_per_byte": 2.0, "best_valid_loss": 4.6}
        values |= {f"metric_{index}": index / 3 for index in range(METRICS - len(values))}
        metrics = [Metric(name, value, start, 0) for name, value in values.items()]
        metrics += [
            Metric(name, 1 / epoch, start, epoch)
            for name in ("train_loss", "valid_loss")
            for epoch in range(1, EPOCHS + 1)
        ]
        tags = {"unroll.kind": "model", "unroll.model": f"model_{number}"}
        tags |= {f"unroll.tag_{index}": "value" for index in range(TAGS - len(tags))}
        params = [Param(f"training.param_{index}", str(index + number)) for index in range(PARAMS)]
        client.log_batch(run, metrics, params, [RunTag(key, value) for key, value in tags.items()])
        client.set_terminated(run, end_time=start + 60_000)
    return str(experiment)


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def _median(work: Callable[[], object], rounds: int) -> float:
    """Return the median wall time, in seconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


@contextmanager
def _serve() -> Iterator[str]:
    """Start `unroll ui`, yield its address when it responds, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, end = f"http://127.0.0.1:{port}", time.monotonic() + START_SECONDS
    command = [sys.executable, "-m", "unroll", "ui", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while True:
            try:
                requests.get(f"{address}/health", timeout=5).raise_for_status()
                break
            except requests.RequestException:
                if server.poll() is not None or time.monotonic() > end:
                    raise SystemExit("unroll ui does not start") from None
                time.sleep(0.1)
        yield address
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    parser.add_argument("--runs", type=int, default=1000, help="the number of runs of the store")
    parser.add_argument("--rounds", type=int, default=5, help="the number of times that each figure is measured")
    arguments = parser.parse_args()
    show(measure(arguments.runs, arguments.rounds), arguments.json)


if __name__ == "__main__":
    main()
