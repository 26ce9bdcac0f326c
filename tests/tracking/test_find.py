"""Which run a name means, and the errors of a user."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.made_once import add_empty_store
from unroll.errors import UnrollError
from unroll.tracking import store
from unroll.tracking.find import fetch

RUNS = (
    ("oldest", {"unroll.model": "lstm", "dvc.exp.name": "wider"}, "FINISHED"),
    ("newer", {"unroll.model": "lstm", "dvc.exp.name": "wider"}, "FINISHED"),
    ("newest", {"unroll.model": "lstm", "unroll.kind": "model"}, "FINISHED"),
    ("parent", {"unroll.model": "lstm", "unroll.kind": "seeds"}, "FINISHED"),
    ("killed", {"unroll.model": "lstm"}, "KILLED"),
    ("other", {"unroll.model": "gru"}, "FINISHED"),
)
"""Runs in the order of their start: name, tags and status."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store, in which the artifacts of each run but `other` contain its name."""
    place = tmp_path_factory.mktemp("my copy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(place))
        add_empty_store(place)
        import mlflow

        client = mlflow.MlflowClient(store.prepare())
        for start, (name, tags, status) in enumerate(RUNS, start=1):
            run = client.create_run(store.experiment_id(client), start_time=start, tags=tags, run_name=name)
            if name != "other":
                client.log_text(run.info.run_id, name, "reproduce/run.json")
            client.set_terminated(run.info.run_id, status)
    return place


@pytest.fixture(autouse=True)
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(place))


def run_id(name: str) -> str:
    import mlflow

    client = mlflow.MlflowClient(store.address())
    (run,) = client.search_runs([store.experiment_id(client)], f"attributes.run_name = '{name}'")
    return str(run.info.run_id)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "found"), [("lstm", "newest"), ("lstm@wider", "newer")])
def test_a_name_means_the_newest_finished_run_of_the_model(tmp_path: Path, name: str, found: str) -> None:
    fetch(name, tmp_path / "new" / "snapshot")
    assert (tmp_path / "new" / "snapshot" / "run.json").read_text() == found


@pytest.mark.parametrize("name", ["oldest", "killed"])
def test_an_id_means_that_run(tmp_path: Path, name: str) -> None:
    fetch(run_id(name), tmp_path / "snapshot")
    assert (tmp_path / "snapshot" / "run.json").read_text() == name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("0" * 32, "there is no run with this id"),
        ("rnn", "there is no finished run of rnn;"),
        ("lstm@deeper", "there is no finished run of lstm of experiment deeper;"),
        ("gru", "has no artifact reproduce"),
        ("lstm@", "is not the name of a run"),
        ("lstm' or '1' = '1", "is not the name of a run"),
        ("../lstm", "is not the name of a run"),
        ("", "is not the name of a run"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    with pytest.raises(UnrollError, match=sentence):
        fetch(name, tmp_path / "snapshot")
    assert not (tmp_path / "snapshot").exists()


def test_artifacts_that_cannot_be_reached_are_one_sentence(place: Path, tmp_path: Path) -> None:
    identity = run_id("parent")
    database: Any = sqlite3.connect(place / "mlruns/mlflow.db")
    with database:
        database.execute("UPDATE runs SET artifact_uri = 'nowhere://x' WHERE run_uuid = ?", (identity,))
    database.close()
    with pytest.raises(UnrollError, match=f"{identity}: MLflow or the artifacts of the run cannot be reached"):
        fetch(identity, tmp_path / "snapshot")
