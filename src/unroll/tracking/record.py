"""What the files of a finished stage have to say in MLflow."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unroll.params import Root
from unroll.tracking.run import Run

METRICS, CURVES = Path("metrics"), Path("metrics/train")
SAMPLES, FIGURES = Path("reports/samples"), Path("reports/figures")
OF_ONE_MODEL = ("attention", "confusion", "projection")
"""What the report draws of a single model, if there is such a thing; the rest is of several."""


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
    result: Path
    """What came out: a run of other bytes is not of this result."""
    files: tuple[Path, ...]
    """What else has to be there."""
    log: Callable[[Run], None]
    """Log all of it but `result` itself."""


def records(params: Root) -> list[Record]:
    """Of every model, curve of the excess and series, whether its files are there or not."""
    partitions, found = Path("data/partitions"), []
    for name, section in params.experiments.items():
        found += of_model(name, section.model_dump(), partitions / section.tokenizer)
    for name, learning in params.learning_curves.items():
        values = learning.model_dump() | {"model": params.models[name].model_dump()}
        found.append(of_learning_curve(name, values, partitions / learning.tokenizer))
    for name, series in params.series.items():
        found.append(of_series(name, series.model_dump(), Path("data/clean") / f"{series.corpus}.parquet"))
    return found


def of_model(name: str, params: Mapping[str, Any], data: Path) -> list[Record]:
    """Of its training and its evaluation."""
    metrics, curve, model = METRICS / f"{name}.json", CURVES / f"{name}.csv", Path("models") / name
    samples, evaluation = SAMPLES / f"{name}.txt", Path("data/evaluations") / name

    def train(run: Run) -> None:
        run.log_table(curve)
        run.log_model(model)

    def evaluate(run: Run) -> None:
        diagnostics = json.loads((evaluation / "diagnostics.json").read_text(encoding="utf-8"))
        run.log_evaluation(json.loads(metrics.read_text(encoding="utf-8")), diagnostics)
        run.log_file(samples)
        run.log_folder(evaluation, "evaluation")
        for picture in (FIGURES / f"{kind}_{name}.png" for kind in OF_ONE_MODEL):
            if picture.exists():
                run.log_file(picture)

    return [
        Record("train", name, params, data, metrics, curve, (model,), train),
        Record("evaluate", name, params, data, metrics, metrics, (samples, evaluation, curve), evaluate),
    ]


def of_learning_curve(name: str, params: Mapping[str, Any], data: Path) -> Record:
    """Of a model's excess by the size of its text."""
    metrics = METRICS / "learning_curves" / f"{name}.json"
    return Record(
        "learning_curve", name, params, data, metrics, metrics, (), lambda run: run.log_learning_curve(metrics)
    )


def of_series(name: str, params: Mapping[str, Any], data: Path) -> Record:
    """Of the forecasts of a series."""
    metrics, errors = METRICS / "series" / f"{name}.json", METRICS / "series" / f"{name}.csv"

    def log(run: Run) -> None:
        run.log_table(errors, by="forecaster")
        run.log_file(errors)

    return Record("forecast", name, params, data, metrics, metrics, (errors,), log)
