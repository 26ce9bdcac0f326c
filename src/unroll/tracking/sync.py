"""Make runs from the files of finished stages: without a live run, or restored or skipped by DVC.

A result is identified by its stage, its name and the hashes of its params, its data and itself. If there is no finished
run with these tags, one is made from the files of the stage. So a second sync makes no run.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from unroll import environment
from unroll.fingerprint import describe, file_hash, fingerprint
from unroll.params.root import Root
from unroll.tracking import store
from unroll.tracking.run import RESULT, Run, run

METRICS, CURVES = Path("metrics"), Path("metrics/train")
SAMPLES, FIGURES = Path("reports/samples"), Path("reports/figures")
OF_ONE_MODEL = ("attention", "confusion", "projection")
"""The kinds of figures that show a single model. The other figures compare several models."""


@dataclass(frozen=True)
class Record:
    """The files of one run. Paths are relative to the root of the repository."""

    stage: str
    name: str
    params: Mapping[str, Any]
    """The params of the run."""
    data: Path
    """The file or folder that the result was made from."""
    metrics: Path
    """The JSON file with the hashes of `params` and `data`."""
    result: Path
    """The file that identifies the result. A run with other bytes belongs to another result."""
    files: tuple[Path, ...]
    """Other files that must exist."""
    log: Callable[[Run], None]
    """Logs everything but `result` itself."""


def records(params: Root) -> list[Record]:
    """Return the records of every model, learning curve and series, whether or not their files exist."""
    partitions, found = Path("data/partitions"), []
    for name, entry in params.experiments.items():
        found += model_records(name, describe(params, name), partitions / entry.tokenizer)
    for name, curve in params.learning_curves.items():
        values = curve.model_dump() | {"model": params.models[name].model_dump()}
        found.append(learning_curve_record(name, values, partitions / curve.tokenizer))
    for name, series in params.series.items():
        found.append(forecast_record(name, series.model_dump(), Path("data/clean") / f"{series.corpus}.parquet"))
    return found


def model_records(name: str, params: Mapping[str, Any], data: Path) -> list[Record]:
    """Return the records of the training and the evaluation of a model.

    Args:
        name: The name of the model.
        params: Its settings (`unroll.fingerprint.describe`).
        data: The folder of its partition.

    Returns:
        The two records.
    """
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


def learning_curve_record(name: str, params: Mapping[str, Any], data: Path) -> Record:
    """Return the record of the learning curve of a model. The arguments are those of `model_records`."""
    metrics = METRICS / "learning_curves" / f"{name}.json"
    return Record(
        "learning_curve", name, params, data, metrics, metrics, (), lambda run: run.log_learning_curve(metrics)
    )


def forecast_record(name: str, params: Mapping[str, Any], data: Path) -> Record:
    """Return the record of the forecasts of a series, whose clean table is `data`."""
    metrics, errors = METRICS / "series" / f"{name}.json", METRICS / "series" / f"{name}.csv"

    def log(run: Run) -> None:
        run.log_table(errors, by="forecaster")
        run.log_file(errors)

    return Record("forecast", name, params, data, metrics, metrics, (errors,), log)


def sync(records: Sequence[Record]) -> list[str]:
    """Make the runs that are missing.

    Args:
        records: The results that should have a run.

    Returns:
        A line for each run that was made, and for each name whose files are missing or belong to other params.
    """
    address = store.prepare()
    import mlflow

    client = mlflow.MlflowClient(address)
    lines = []
    for record in records:
        hashes = _hashes(record)
        if hashes is None:
            lines.append(f"{record.name}: files are missing or belong to other values of params.yaml; run `dvc repro`")
        elif not _has_run(client, record, hashes):
            maker = partial(_maker, record.result)  # another machine may have made the files
            with run(record.stage, record.name, record.params, record.data, maker) as made:
                client.set_tag(made.run_id, "unroll.synced", "true")
                record.log(made)
                made.log_result(record.result)
            lines.append(f"{record.name}: {record.stage} logged from its files")
    return list(dict.fromkeys(lines))


def _hashes(record: Record) -> dict[str, str] | None:
    """Return the hashes of the params and the data; None if files are missing or belong to other params or data."""
    if not all(path.exists() for path in (record.metrics, record.data, record.result, *record.files)):
        return None
    hashes = fingerprint(record.params, record.data)
    metrics = json.loads(record.metrics.read_text(encoding="utf-8"))
    return hashes if all(metrics.get(key) == value for key, value in hashes.items()) else None


def _maker(result: Path) -> environment.Environment:
    """Return the environment that made a file; empty if it is not known."""
    return environment.made(result) or {}


def _has_run(client: Any, record: Record, hashes: Mapping[str, str]) -> bool:
    tags = {"stage": record.stage, "model": record.name, "params": hashes["params_hash"], "data": hashes["data_hash"]}
    wanted = " and ".join(f"tags.`unroll.{key}` = '{value}'" for key, value in tags.items())
    wanted += f" and tags.`{RESULT}` = '{file_hash(record.result)}' and attributes.status = 'FINISHED'"
    return bool(client.search_runs([store.experiment_id(client)], wanted, max_results=1))
