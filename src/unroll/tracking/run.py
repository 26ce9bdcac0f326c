"""One MLflow run, and what can be logged to it."""

import csv
import json
import logging
import math
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from unroll import environment
from unroll.fingerprint import file_hash, fingerprint
from unroll.tracking import store

RESULT = "unroll.result"
"""The tag with the hash of the file that identifies the result."""
NOT_FINITE = "unroll.not_finite"
"""The tag with the metrics that are infinite or not a number."""
logger = logging.getLogger("unroll")


class Run:
    """A run in progress."""

    def __init__(self, client: Any, run_id: str) -> None:
        """Set the MLflow client and the id of the run."""
        self.client, self.run_id = client, run_id
        self.not_finite: dict[str, str] = {}  # the last value of each metric that has one that is not finite

    def log_metrics(self, values: Mapping[str, float | str], step: int = 0) -> None:
        """Log values by name, like `log_curve`."""
        self.log_curve([{"step": step, **values}])

    def log_curve(self, rows: Sequence[Mapping[str, float | str]]) -> None:
        """Log rows of {"step": ..., name: value, ...} in one transaction.

        A database of MLflow stores an infinity as 1.8e308. So values that are not finite are no metrics: the tag
        `unroll.not_finite` shows them. In a file an infinity is a string.
        """
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        values = [(k, float(v), int(row["step"])) for row in rows for k, v in row.items() if k != "step"]
        metrics = [Metric(name, value, now, step) for name, value, step in values if math.isfinite(value)]
        if not_finite := {name: str(value) for name, value, _ in values if not math.isfinite(value)}:
            self.not_finite |= not_finite
            text = ", ".join(f"{name} {value}" for name, value in sorted(self.not_finite.items()))
            self.client.set_tag(self.run_id, NOT_FINITE, text)
        for first in range(0, len(metrics), 1000):  # the limit of MLflow for one batch
            self.client.log_batch(self.run_id, metrics=metrics[first : first + 1000])

    def log_table(self, path: Path, by: str = "") -> None:
        """Log the values of a CSV file.

        Args:
            path: The file, with a column `step`.
            by: A column whose values become prefixes of the names of the metrics.
        """
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
        """Log the learning curve that stage learning_curve wrote: the excess over the oracle by train tokens."""
        points = json.loads(path.read_text(encoding="utf-8"))["points"]
        self.log_curve([{"step": point.pop("train_tokens"), **point} for point in points])

    def log_result(self, path: Path) -> None:
        """Log the file that identifies the result: with equal params and data, equal bytes are the same result."""
        self.client.set_tag(self.run_id, RESULT, file_hash(path))
        self.log_file(path)

    def log_file(self, path: Path) -> None:
        """Log a file as an artifact."""
        self.client.log_artifact(self.run_id, str(path))

    def log_evaluation(self, metrics: Mapping[str, Any], diagnostics: Mapping[str, Any]) -> None:
        """Log the results of stage evaluate.

        Args:
            metrics: The metrics, of which the numbers are logged.
            diagnostics: The diagnostics, whose values by distance, position and steps are logged as curves.
        """
        numbers = {k: v for k, v in metrics.items() if isinstance(v, int | float) or v in ("inf", "-inf", "nan")}
        self.log_metrics(numbers)
        if fitted := metrics.get("fitted_on_valid"):
            self.client.set_tag(self.run_id, "unroll.fitted_on_valid", ", ".join(fitted))
        context = diagnostics.get("context_ablation", {})
        tables = {
            "cut_nats": ("distance", "nats", context.get("cut", [])),
            "shuffled_nats": ("distance", "nats", context.get("shuffled", [])),
            "position_nats": ("first", "nats", diagnostics.get("position", [])),
            "k_step_nats": ("steps", "nats", diagnostics.get("k_step", [])),
            "k_step_bias": ("steps", "bias", diagnostics.get("k_step", [])),
            "k_step_error": ("steps", "error", diagnostics.get("k_step", [])),
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

    def log_environment(self, values: environment.Environment) -> None:
        """Log the environment that made the result as tags `unroll.environment.<name>`."""
        from mlflow.entities import RunTag

        words = {name: ", ".join(value) if isinstance(value, list) else value for name, value in values.items()}
        tags = [RunTag(f"unroll.environment.{name}", str(value)) for name, value in flatten(words).items()]
        self.client.log_batch(self.run_id, tags=tags)

    def log_folder(self, path: Path, name: str) -> None:
        """Log the files of a folder as artifacts in the folder `name`."""
        self.client.log_artifacts(self.run_id, str(path), name)

    def log_model(self, path: Path) -> None:
        """Log the folder of a model as a pyfunc, without pickle."""
        from mlflow.models import Model

        from unroll.tracking import pyfunc

        Model.log(artifact_path=None, name="model", flavor=pyfunc, folder=path)


@contextmanager
def run(
    stage: str,
    name: str,
    params: Mapping[str, Any],
    data: Path,
    maker: Callable[[], environment.Environment] = environment.describe,
) -> Iterator[Run]:
    """Open an MLflow run. Its status is FINISHED, FAILED after an error, or KILLED after a signal.

    The hashes of `params` and `data` are tags, which link the runs of one model.

    Args:
        stage: The stage that the run belongs to.
        name: The name of the model or series.
        params: The settings of the result (`unroll.fingerprint.describe` for a model), which are logged as params.
        data: The file or folder that the result is made from.
        maker: Returns the environment that made the result, by default that of this process. It is called at the end,
            when the libraries that made the result are imported.

    Yields:
        The run.
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
    finally:  # a signal raises SystemExit or KeyboardInterrupt, which do not derive from Exception
        try:
            active.log_environment(maker())
        except Exception as error:  # it must neither replace the error of a stage nor fail one that has its result
            logger.warning("%s: the tags of the environment are not logged (%s)", run_name, error)
        except BaseException:
            status = "KILLED"
            raise
        finally:
            mlflow.end_run(status)


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested settings: {"training": {"epochs": 3}} becomes {"training.epochs": 3}."""
    flat: dict[str, Any] = {}
    for key, value in params.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def _commit() -> str:
    result = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return result.stdout.strip()
