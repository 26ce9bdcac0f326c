"""One MLflow run around the work of a stage."""

import csv
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from unroll.params.fingerprint import file_hash, fingerprint
from unroll.tracking import store

RESULT = "unroll.result"


class Run:
    """The run in progress: numbers, files and the model go through it."""

    def __init__(self, client: Any, run_id: str) -> None:
        self.client, self.run_id = client, run_id

    def log_metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Numbers by name; MLflow keeps no infinities as such, so what is not finite is left to the files."""
        self.log_curve([{"step": step, **values}])

    def log_curve(self, rows: list[dict[str, float]]) -> None:
        """Rows of {"step": ..., name: value, ...} in one transaction."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [
            Metric(name, float(value), now, int(row["step"]))
            for row in rows
            for name, value in row.items()
            if name != "step" and abs(float(value)) < float("inf")  # read from a file, an infinity is a word
        ]
        for first in range(0, len(metrics), 1000):  # MLflow's limit for one batch
            self.client.log_batch(self.run_id, metrics=metrics[first : first + 1000])

    def log_table(self, path: Path, by: str = "") -> None:
        """The numbers of a CSV file by its column `step`, those of each value of the column `by` apart."""
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row.get("step")]
        names = [f"{row.pop(by)}_" if by else "" for row in rows]
        self.log_curve(
            [
                {"step": float(row.pop("step")), **{name + key: float(value) for key, value in row.items() if value}}
                for name, row in zip(names, rows, strict=True)
            ]
        )

    def log_learning_curve(self, path: Path) -> None:
        """What stage learn wrote: the excess over the truth by tokens of text."""
        points = json.loads(path.read_text(encoding="utf-8"))["points"]
        self.log_curve([{"step": point.pop("train_tokens"), **point} for point in points])

    def log_result(self, path: Path) -> None:
        """The file that, with the params and the data, says what came out: equal bytes are the same result."""
        self.client.set_tag(self.run_id, RESULT, file_hash(path))
        self.log_file(path)

    def log_file(self, path: Path) -> None:
        """A file as an artifact."""
        self.client.log_artifact(self.run_id, str(path))

    def log_evaluation(self, metrics: Mapping[str, Any], diagnostics: Mapping[str, Any]) -> None:
        """What the evaluate stage found: numbers, and what they are made of by distance, position or steps."""
        self.log_metrics({key: value for key, value in metrics.items() if isinstance(value, int | float)})
        context = diagnostics.get("context_ablation", {})
        tables = {
            "cut_nats": ("distance", "nats", context.get("cut", [])),
            "shuffled_nats": ("distance", "nats", context.get("shuffled", [])),
            "position_nats": ("first", "nats", diagnostics.get("position", [])),
            "k_step_nats": ("steps", "nats", diagnostics.get("k_step", [])),
            "gradient_flow_norm": ("steps", "norm", diagnostics.get("gradient_flow", [])),
        }
        self.log_curve(
            [{"step": row[step], name: row[key]} for name, (step, key, rows) in tables.items() for row in rows]
        )
        self.log_curve(
            [
                {
                    "step": row["last"],
                    **{f"source_length_{key}": row[key] for key in row if key not in ("first", "last")},
                }
                for row in metrics.get("by_source_length", [])
            ]
        )

    def log_folder(self, path: Path, name: str) -> None:
        """The files of a folder, as artifacts in the folder `name`."""
        self.client.log_artifacts(self.run_id, str(path), name)

    def log_model(self, path: Path) -> None:
        """The model's folder as a pyfunc, without pickle: `mlflow.pyfunc.load_model(...).predict([...])`."""
        from mlflow.models import Model

        from unroll.tracking import pyfunc

        Model.log(artifact_path=None, name="model", flavor=pyfunc, folder=path)


@contextmanager
def run(stage: str, name: str, params: Mapping[str, Any], data: Path) -> Iterator[Run]:
    """An MLflow run of `stage` for model `name`; FINISHED, FAILED after an error, KILLED after a signal.

    `params` is the model's section of params.yaml, `data` the folder or file it was made from: a hash of each is a tag,
    and equal tags link the runs of one model.
    """
    address = store.prepare()
    import mlflow

    mlflow.set_tracking_uri(address)
    client = mlflow.MlflowClient()
    process = psutil.Process()
    hashes = fingerprint(params, data)
    tags = {
        "unroll.stage": stage,
        "unroll.model": name,
        "unroll.params": hashes["params_hash"],
        "unroll.data": hashes["data_hash"],
        "unroll.host": socket.gethostname(),
        "unroll.pid": str(process.pid),
        "unroll.started": str(process.create_time()),
        "dvc.exp.name": os.environ.get("DVC_EXP_NAME", ""),
        "dvc.exp.baseline": os.environ.get("DVC_EXP_BASELINE_REV", ""),
        "mlflow.source.git.commit": _commit(),
    }
    experiment_name = os.environ.get("DVC_EXP_NAME")
    run_name = f"{stage} {name}" + (f" {experiment_name}" if experiment_name else "")
    known = {key: value for key, value in tags.items() if value}
    started = mlflow.start_run(experiment_id=store.experiment_id(client), run_name=run_name, tags=known)
    active = Run(client, started.info.run_id)
    status = "KILLED"
    try:
        mlflow.log_params(flatten(params))
        yield active
        status = "FINISHED"
    except Exception:
        status = "FAILED"
        raise
    finally:  # a signal arrives as SystemExit or KeyboardInterrupt, which are no Exception
        mlflow.end_run(status)


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"training": {"epochs": 3}} -> {"training.epochs": 3}."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _commit() -> str:
    result = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return result.stdout.strip()
