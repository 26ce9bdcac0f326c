"""A folder with the files that stages would have written, and journals of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from unroll.models.base import storage
from unroll.params.load import load
from unroll.params.root import Root
from unroll.tracking import outbox, results
from unroll.tracking.logger import Logger
from unroll.tracking.record import Recorder, record
from unroll.tracking.results import Result
from unroll.tracking.runs import open_runs

ROOT = Path(__file__).parents[2]
LOSSES = ((1, {"epoch": 0.5, "train_loss": 3.5}), (2, {"epoch": 1.0, "valid_loss": 3.25}), (4, {"valid_loss": 3.5}))
"""The rows of a training: the smallest validation loss is that of the first epoch."""


def params() -> Root:
    """Those of the repository."""
    return load(ROOT / "params.yaml")


def make_data(place: Path) -> None:
    """Make what all models of tokenizer `words` are made from."""
    (place / "data/partitions/words").mkdir(parents=True)
    (place / "data/partitions/words/plan.json").write_text("{}")
    for folder in ("models", "metrics/train", "metrics/learning_curves", "metrics/series", "reports/samples"):
        (place / folder).mkdir(parents=True)


def make_training(name: str, weight: float = 0.0) -> Result:
    """Write the outputs of stage train."""
    result, folder = results.training(params(), name), Path("models") / name
    folder.mkdir(exist_ok=True)
    storage.write(folder, {"params": {"family": "unigram"}}, {"x": np.full(2, weight)})
    (folder / "experiment.json").write_text(json.dumps(result.hashes))
    rows = "".join(f"{step},{v.get('epoch', '')},{v.get('valid_loss', '')}\n" for step, v in LOSSES)
    Path(f"metrics/train/{name}.csv").write_text("step,epoch,valid_loss\n" + rows)
    return result


def make_evaluation(name: str, **metrics: Any) -> Result:
    """Write the outputs of stage evaluate."""
    result, folder = results.evaluation(params(), name), Path("data/evaluations") / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "diagnostics.json").write_text(json.dumps({"position": [{"first": 3, "last": 3, "nats": 1.5}]}))
    Path(f"reports/samples/{name}.txt").write_text("a text\n")
    Path(f"metrics/{name}.json").write_text(json.dumps({"family": "x", **result.hashes, **metrics}))
    return result


def train(name: str, weight: float = 0.0) -> None:
    """Run stage train."""
    with record(results.training(params(), name), Path(".dvc/tmp/checkpoints") / name) as recorder:
        log_losses(recorder)
        make_training(name, weight)


def log_losses(recorder: Recorder, most: int = len(LOSSES)) -> None:
    """Record the rows of a training."""
    for step, values in LOSSES[:most]:
        recorder.record(step, values)


def evaluate(name: str, **metrics: Any) -> None:
    """Run stage evaluate."""
    with record(results.evaluation(params(), name)):
        make_evaluation(name, **metrics)


def drain() -> list[str]:
    """Log what waits."""
    return list(Logger(outbox.folder()).drain())


def runs(kind: str = "model") -> dict[str, Any]:
    """Return the runs of a kind by the name of their model, the newest of each."""
    found = open_runs().search(f"tags.`unroll.kind` = '{kind}'")
    return {run.data.tags["unroll.model"]: run for run in reversed(found)}


def everything() -> list[dict[str, Any]]:
    """Return all runs with all that MLflow has of them, but without what differs from run to run."""
    store = open_runs()
    names = {run.info.run_id: run.data.tags["unroll.model"] for run in store.search("")}
    found = []
    for run in store.search(""):
        identifier = run.info.run_id
        tags = {key: value for key, value in run.data.tags.items() if key not in ("unroll.id", "mlflow.runName")}
        parent = names.get(tags.pop("mlflow.parentRunId", ""))
        measured = {key: value for key, value in run.data.metrics.items() if not any(name in key for name in SPENT)}
        curves = {key: _history(store, identifier, key) for key in measured}
        if run.data.tags["unroll.kind"] == "seeds":  # only the last means count
            curves = {key: [(0, value)] for key, value in measured.items()}
        models = [store.client.get_logged_model(one.model_id).status for one in run.outputs.model_outputs]
        data = [one.dataset.digest for one in run.inputs.dataset_inputs]
        files = sorted(_list(store, identifier))
        about = {"status": run.info.status, "params": run.data.params, "parent": parent, "models": models, "data": data}
        tags = {key: value for key, value in tags.items() if not key.startswith("mlflow.log")}
        found.append(about | {"tags": tags, "curves": curves, "files": files})
    return sorted(found, key=lambda one: (one["tags"]["unroll.kind"], one["tags"]["unroll.model"], str(one["curves"])))


SPENT = ("seconds", "memory_mb")


def _history(store: Any, identifier: str, key: str) -> list[tuple[int, float]]:
    return [(one.step, one.value) for one in store.client.get_metric_history(identifier, key)]


def _list(store: Any, identifier: str, folder: str | None = None) -> list[str]:
    found = []
    for entry in store.client.list_artifacts(identifier, folder):
        found += _list(store, identifier, entry.path) if entry.is_dir else [entry.path]
    return found
