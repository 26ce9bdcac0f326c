"""Runs for stages that DVC did not run: what it restores from its cache, or skips, MLflow never hears of.

A result is known by its stage, its model and the hashes of its params and data. Where a finished run with these tags is
missing, one is made from the files that the stage left. So a second sync does nothing.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unroll.tracking import store
from unroll.tracking.run import Run, fingerprint, run


@dataclass(frozen=True)
class Result:
    """The files of one model, below the root of the repository."""

    name: str
    params: Mapping[str, Any]
    """Its section of params.yaml."""
    data: Path
    """The folder it was made from."""

    @property
    def metrics(self) -> Path:
        return Path("metrics") / f"{self.name}.json"

    @property
    def evaluation(self) -> Path:
        return Path("data/evaluations") / self.name

    @property
    def samples(self) -> Path:
        return Path("reports/samples") / f"{self.name}.txt"

    @property
    def curve(self) -> Path:
        return Path("metrics/train") / f"{self.name}.csv"

    @property
    def model(self) -> Path:
        return Path("models") / self.name

    @property
    def whole(self) -> bool:
        paths = (self.metrics, self.evaluation, self.samples, self.curve, self.model, self.data)
        return all(path.exists() for path in paths)


def sync(results: Sequence[Result]) -> list[str]:
    """Make the runs that are missing; a line for each, and for each model whose files are not of these params."""
    address = store.prepare()
    import mlflow

    client = mlflow.MlflowClient(address)
    lines = []
    for result in results:
        hashes = fingerprint(result.params, result.data) if result.whole else {}
        metrics = json.loads(result.metrics.read_text(encoding="utf-8")) if result.whole else {}
        if not hashes or any(metrics.get(key) != value for key, value in hashes.items()):
            lines.append(f"{result.name}: not what params.yaml says; run `dvc repro`")
            continue
        for stage, log in (("train", _train), ("evaluate", _evaluate)):
            if not _known(client, stage, result.name, hashes):
                with run(stage, result.name, result.params, result.data) as made:
                    client.set_tag(made.run_id, "unroll.synced", "true")
                    log(made, result)
                lines.append(f"{result.name}: {stage} logged from its files")
    return lines


def _known(client: Any, stage: str, name: str, hashes: Mapping[str, str]) -> bool:
    tags = {"stage": stage, "model": name, "params": hashes["params_hash"], "data": hashes["data_hash"]}
    wanted = " and ".join(f"tags.`unroll.{key}` = '{value}'" for key, value in tags.items())
    wanted += " and attributes.status = 'FINISHED'"
    return bool(client.search_runs([store.experiment_id(client)], wanted, max_results=1))


def _train(made: Run, result: Result) -> None:
    with result.curve.open(newline="", encoding="utf-8") as file:
        rows = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
    made.log_curve([row for row in rows if "step" in row])
    made.log_file(result.curve)
    made.log_model(result.model)


def _evaluate(made: Run, result: Result) -> None:
    diagnostics = json.loads((result.evaluation / "diagnostics.json").read_text(encoding="utf-8"))
    metrics = json.loads(result.metrics.read_text(encoding="utf-8"))
    made.log_evaluation(metrics, diagnostics, [result.metrics, result.samples, result.evaluation])
