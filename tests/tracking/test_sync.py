"""sync: runs from files, once; never for files of other params."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unroll.models import storage
from unroll.tracking import store
from unroll.tracking.run import fingerprint
from unroll.tracking.sync import Result, sync

PARAMS = {"family": "cache", "tokens": "words", "window": 3}


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    found = Result("cache", PARAMS, Path("data/partitions/words"))
    for folder in (found.data, found.model, found.evaluation, Path("metrics/train"), Path("reports/samples")):
        folder.mkdir(parents=True)
    (found.data / "plan.json").write_text("{}")
    storage.write(found.model, {"params": PARAMS}, {"x": np.zeros(2)})
    found.curve.write_text("step,train_loss,valid_loss\n1,3.5,\n2,3.0,3.25\n")
    found.samples.write_text("a text\n")
    position = [{"first": 0, "last": 0, "tokens": 1, "nats": 2.0}, {"first": 1, "last": 1, "tokens": 1, "nats": 1.5}]
    (found.evaluation / "diagnostics.json").write_text(json.dumps({"position": position}))
    metrics = {"family": "cache", "test_perplexity": 5.5, **fingerprint(PARAMS, found.data)}
    found.metrics.write_text(json.dumps(metrics))
    return found


def runs() -> dict[str, Any]:
    import mlflow

    client = mlflow.MlflowClient(store.address())
    return {run.data.tags["unroll.stage"]: run for run in client.search_runs([store.experiment_id(client)])}


def test_what_is_missing_is_logged_once(result: Result) -> None:
    assert sync([result]) == ["cache: train logged from its files", "cache: evaluate logged from its files"]
    found = runs()
    assert found["train"].data.metrics == {"train_loss": 3.0, "valid_loss": 3.25}
    assert found["evaluate"].data.metrics == {"test_perplexity": 5.5, "position_nats": 1.5}
    assert all(run.data.tags["unroll.synced"] == "true" and run.info.status == "FINISHED" for run in found.values())
    assert all(run.data.params["window"] == "3" for run in found.values())
    assert sync([result]) == []
    assert len(runs()) == 2


def test_files_of_other_params_are_not_logged(result: Result) -> None:
    other = Result(result.name, PARAMS | {"window": 4}, result.data)
    absent = Result("absent", PARAMS, result.data)
    assert sync([other, absent]) == [
        "cache: not what params.yaml says; run `dvc repro`",
        "absent: not what params.yaml says; run `dvc repro`",
    ]
    assert runs() == {}
