"""sync: runs from files, once; never for files of other params."""

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unroll import environment
from unroll.fingerprint import fingerprint
from unroll.models.base import storage
from unroll.tracking import store
from unroll.tracking.run import run
from unroll.tracking.sync import Record, forecast_record, learning_curve_record, model_records, sync

PARAMS = {"family": "cache", "tokenizer": "words", "window": 3}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    for folder in ("data/partitions/words", "models/cache", "data/evaluations/cache", "data/clean"):
        Path(folder).mkdir(parents=True)
    for folder in ("metrics/train", "metrics/learning_curves", "metrics/series", "reports/samples"):
        Path(folder).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def records() -> list[Record]:
    """Of a model that was trained and evaluated."""
    data, evaluation = Path("data/partitions/words"), Path("data/evaluations/cache")
    (data / "plan.json").write_text("{}")
    storage.write(Path("models/cache"), {"params": PARAMS}, {"x": np.zeros(2)})
    Path("metrics/train/cache.csv").write_text("step,train_loss,valid_loss\n1,3.5,\n2,3.0,3.25\n")
    Path("reports/samples/cache.txt").write_text("a text\n")
    position = [{"first": 0, "last": 0, "tokens": 1, "nats": 2.0}, {"first": 1, "last": 1, "tokens": 1, "nats": 1.5}]
    (evaluation / "diagnostics.json").write_text(json.dumps({"position": position}))
    metrics = {"family": "cache", "test_perplexity": 5.5, **fingerprint(PARAMS, data)}
    Path("metrics/cache.json").write_text(json.dumps(metrics))
    return model_records("cache", PARAMS, data)


def runs() -> dict[str, Any]:
    import mlflow

    client = mlflow.MlflowClient(store.address())
    newest_first = client.search_runs([store.experiment_id(client)])
    return {run.data.tags["unroll.stage"]: run for run in reversed(newest_first)}


def test_what_is_missing_is_logged_once(records: list[Record]) -> None:
    assert sync(records) == ["cache: train logged from its files", "cache: evaluate logged from its files"]
    found = runs()
    assert found["train"].data.metrics == {"train_loss": 3.0, "valid_loss": 3.25}
    assert found["evaluate"].data.metrics == {"test_perplexity": 5.5, "position_nats": 1.5}
    assert all(run.data.tags["unroll.synced"] == "true" and run.info.status == "FINISHED" for run in found.values())
    assert all(run.data.params["window"] == "3" for run in found.values())
    assert sync(records) == []
    assert len(runs()) == 2


def test_a_new_result_of_the_same_params_has_a_run_of_its_own(records: list[Record]) -> None:
    sync(records)
    metrics = Path("metrics/cache.json")
    metrics.write_text(json.dumps(json.loads(metrics.read_text()) | {"test_perplexity": 4.5}))
    assert sync(records) == ["cache: evaluate logged from its files"]
    assert runs()["evaluate"].data.metrics["test_perplexity"] == 4.5
    assert sync(records) == []


def test_a_run_names_the_machine_that_made_the_files_and_not_the_one_that_logs_them(records: list[Record]) -> None:
    """Another machine made the files of the training, and nothing is recorded on those of the evaluation."""
    curve, record = Path("metrics/train/cache.csv"), environment.Record()
    record.add(str(curve), environment.file_md5(curve), {"processor": "Intel", "instruction_sets": ["AVX2", "FMA"]})
    environment.RECORD.write_text(record.format())
    sync(records)
    found = runs()
    tags = {key: value for key, value in found["train"].data.tags.items() if key.startswith("unroll.environment.")}
    assert tags == {"unroll.environment.processor": "Intel", "unroll.environment.instruction_sets": "AVX2, FMA"}
    assert not any(key.startswith("unroll.environment.") for key in found["evaluate"].data.tags)


def test_a_live_run_names_this_machine() -> None:
    with run("train", "cache", PARAMS, Path("data/partitions/words")):
        pass
    tags = runs()["train"].data.tags
    assert tags["unroll.environment.processor"] == environment.describe()["processor"]
    assert tags["unroll.environment.python"] == platform.python_version()


def test_forecasts_and_curves_of_the_excess_have_runs_too() -> None:
    series, data = {"corpus": "wave", "steps": [1, 2]}, Path("data/clean/wave.parquet")
    data.write_bytes(b"numbers")
    Path("metrics/series/wave.json").write_text(json.dumps(fingerprint(series, data)))
    Path("metrics/series/wave.csv").write_text("forecaster,step,rmse,nll\nlstm,1,0.5,\nlstm,2,0.75,1.5\nar,1,0.25,\n")
    learning, words = {"fractions": [0.25]}, Path("data/partitions/words")
    points = [{"train_tokens": 10, "excess": 3.0}, {"train_tokens": 40, "excess": 0.5}]
    Path("metrics/learning_curves/hmm.json").write_text(json.dumps({**fingerprint(learning, words), "points": points}))
    records = [forecast_record("wave", series, data), learning_curve_record("hmm", learning, words)]
    assert sync(records) == ["wave: forecast logged from its files", "hmm: learning_curve logged from its files"]
    found = runs()
    assert found["forecast"].data.metrics == {"lstm_rmse": 0.75, "lstm_nll": 1.5, "ar_rmse": 0.25}
    assert found["learning_curve"].data.metrics == {"excess": 0.5}
    assert sync(records) == []


def test_files_of_other_params_are_not_logged(records: list[Record]) -> None:
    other = model_records("cache", PARAMS | {"window": 4}, Path("data/partitions/words"))
    absent = model_records("absent", PARAMS, Path("data/partitions/words"))
    assert sync([*other, *absent]) == [
        "cache: files are missing or belong to other values of params.yaml; run `dvc repro`",
        "absent: files are missing or belong to other values of params.yaml; run `dvc repro`",
    ]
    assert runs() == {}
