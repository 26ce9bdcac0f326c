"""What the files of a finished stage have to say in MLflow."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unroll.tracking.run import Run

METRICS, CURVES, SAMPLES = Path("metrics"), Path("metrics/train"), Path("reports/samples")


@dataclass(frozen=True)
class Record:
    """One run: paths are below the root of the repository."""

    stage: str
    name: str
    params: Mapping[str, Any]
    """What the run's params are."""
    data: Path
    """What it was made from."""
    metrics: Path
    """JSON that holds the hashes of both."""
    files: tuple[Path, ...]
    """What else has to be there."""
    log: Callable[[Run], None]
    """Log all of it."""


def of_model(name: str, params: Mapping[str, Any], data: Path) -> list[Record]:
    """Of its training and its evaluation."""
    metrics, curve, model = METRICS / f"{name}.json", CURVES / f"{name}.csv", Path("models") / name
    samples, evaluation = SAMPLES / f"{name}.txt", Path("data/evaluations") / name

    def train(run: Run) -> None:
        run.log_table(curve)
        run.log_model(model)

    def evaluate(run: Run) -> None:
        diagnostics = json.loads((evaluation / "diagnostics.json").read_text(encoding="utf-8"))
        run.log_evaluation(json.loads(metrics.read_text(encoding="utf-8")), diagnostics, [metrics, samples, evaluation])

    files = (curve, model, samples, evaluation)
    return [Record(stage.__name__, name, params, data, metrics, files, stage) for stage in (train, evaluate)]


def of_learning(name: str, params: Mapping[str, Any], data: Path) -> Record:
    """Of a model's excess by the size of its text."""
    metrics = METRICS / "learning" / f"{name}.json"
    return Record("learn", name, params, data, metrics, (), lambda run: run.log_learning(metrics))


def of_series(name: str, params: Mapping[str, Any], data: Path) -> Record:
    """Of the forecasts of a series."""
    metrics, errors = METRICS / "series" / f"{name}.json", METRICS / "series" / f"{name}.csv"

    def log(run: Run) -> None:
        run.log_file(metrics)
        run.log_table(errors, by="forecaster")

    return Record("forecast", name, params, data, metrics, (errors,), log)
