"""The tracking store: made once by many, in any folder, also after the folder was moved."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.made_once import add_empty_store
from tests.tracking.workspace import ROOT, drain, make_data, runs, train
from unroll.errors import UnrollError
from unroll.tracking import store
from unroll.tracking.runs import open_runs

WORKER = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.tracking import workspace
from unroll.tracking.sync import sync
workspace.train(sys.argv[2])
list(sync([]))
"""


@pytest.mark.slow
def test_case_47_many_workers_on_a_fresh_store_lose_nothing(without_store: Path) -> None:
    """Each of them runs a stage, and then logs what waits."""
    names = ("unigram", "trigram", "gru", "lstm")
    command = [sys.executable, "-c", WORKER, str(ROOT)]
    workers = [subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True) for name in names]
    for worker in workers:
        _, errors = worker.communicate(timeout=180)
        assert worker.returncode == 0, errors
    found = open_runs().search("tags.`unroll.kind` = 'model'")
    assert sorted(run.data.tags["unroll.model"] for run in found) == sorted(names)
    assert all(run.info.status == "FINISHED" and run.data.metrics["valid_loss"] == 3.5 for run in found)
    connection = sqlite3.connect(without_store / "mlruns" / "mlflow.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    assert not list((without_store / "mlruns").glob(".mlflow.db.*"))


@pytest.mark.slow
def test_case_16_a_kill_while_the_store_is_made_does_not_brick_it(without_store: Path) -> None:
    (without_store / "mlruns").mkdir()
    (without_store / "mlruns" / ".mlflow.db.123").write_bytes(b"half a database")
    store.prepare()
    assert runs() == {}
    assert not store.is_outdated()


def test_the_address_is_that_of_the_repository_and_not_of_its_copy(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("copy"))
    assert store.address() == f"sqlite+pysqlite:///{place}/mlruns/mlflow.db"
    monkeypatch.delenv("DVC_ROOT")
    assert store.address() == f"sqlite+pysqlite:///{os.getcwd()}/mlruns/mlflow.db"


def enter(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(place)
    monkeypatch.setenv("DVC_ROOT", str(place))
    monkeypatch.setenv("UNROLL_TRACKING", "later")
    for name in ("params.yaml", "dvc.yaml"):
        (place / name).write_bytes((ROOT / name).read_bytes())
    if not (place / "data").exists():
        make_data(place)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a é%41 #b", "q?m=1&x", "quo'te\"d", "back\\slash;", "%(x)s", "日本"])
def test_a_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    place = tmp_path / name
    enter(place, monkeypatch)
    train("unigram")
    assert drain() == ["unigram: train logged"]
    assert runs()["unigram"].info.status == "FINISHED"
    assert len(list(place.glob("mlruns/artifacts/*/artifacts/curve.csv"))) == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]  # MLflow makes no folder beside it


@pytest.mark.parametrize("copied", [False, True])
def test_artifacts_follow_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copied: bool) -> None:
    import mlflow

    def log(place: Path, name: str) -> None:
        enter(place, monkeypatch)
        train(name)
        drain()

    def logged() -> list[str]:
        client = open_runs().client
        for run in runs().values():
            assert Path(client.download_artifacts(run.info.run_id, "curve.csv")).read_text().startswith("step,")
            [output] = run.outputs.model_outputs
            model = client.get_logged_model(output.model_id)
            assert Path(mlflow.artifacts.download_artifacts(model.artifact_location)).is_dir()
        return sorted(runs())

    old, new = tmp_path / "old é", tmp_path / "new %41"
    old.mkdir()
    add_empty_store(old)
    log(old, "unigram")
    shutil.copytree(old, new) if copied else old.rename(new)
    before = sorted(old.rglob("*"))
    log(new, "trigram")
    assert sorted(old.rglob("*")) == before  # without a file of the new run; empty if the folder was moved
    assert logged() == ["trigram", "unigram"]
    assert len(list(new.glob("mlruns/artifacts/*/artifacts/curve.csv"))) == 2
    assert store.correct_paths() is None
    if copied:
        enter(old, monkeypatch)
        assert logged() == ["unigram"]


def test_artifacts_that_the_user_moved_elsewhere_stay_there(place: Path) -> None:
    store.prepare()
    connection = sqlite3.connect(place / "mlruns" / "mlflow.db")
    connection.execute("UPDATE experiments SET artifact_location = 's3://bucket/runs' WHERE name = 'unroll'")
    connection.commit()
    assert store.correct_paths() is None
    assert connection.execute("SELECT count(*) FROM experiments WHERE artifact_location LIKE 's3:%'").fetchone() == (1,)
    connection.close()


def test_mlflow_itself_neither_continues_a_run_of_the_user_nor_changes_the_variables(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "7")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "7")
    train("unigram")
    assert drain() == ["unigram: train logged"]
    assert runs()["unigram"].info.status == "FINISHED"
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_a_damaged_store_is_one_sentence(without_store: Path) -> None:
    (without_store / "mlruns").mkdir()
    (without_store / "mlruns" / "mlflow.db").write_bytes(b"no database at all" * 100)
    for read in (store.is_outdated, store.prepare):
        with pytest.raises(UnrollError, match=r"mlflow\.db: damaged"):
            read()
