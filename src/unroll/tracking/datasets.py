"""The data of a run as datasets of MLflow, with the MD5 of DVC as their digest."""

import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

CONTEXTS = {"train": "training", "evaluate": "evaluation"}
"""The context of the dataset that a stage reads."""


def log(client: Any, run_id: str, path: str, stage: str, reproduce: Path) -> None:
    """Log the data that a stage read.

    Args:
        client: The MLflow client.
        run_id: The run.
        path: The file or folder, relative to the root of the repository.
        stage: The stage.
        reproduce: The snapshot of the stage, whose dvc.lock has the MD5.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    if digest := find_md5(reproduce / "dvc.lock", path):
        source = json.dumps({"uri": path, "md5": digest})
        dataset = Dataset(name=path.removeprefix("data/"), digest=digest, source_type="local", source=source)
        tags = [InputTag("mlflow.data.context", CONTEXTS.get(stage, stage))]
        client.log_inputs(run_id, datasets=[DatasetInput(dataset, tags)])


def find_md5(lock: Path, path: str) -> str | None:
    """Return the MD5 of an output that a dvc.lock records; None if it records none."""
    if not lock.is_file():
        return None
    entries = YAML(typ="safe").load(lock.read_text(encoding="utf-8")) or {}
    for entry in entries.get("stages", {}).values():
        for out in entry.get("outs", []):
            if out["path"] == path:
                return str(out["md5"])
    return None
