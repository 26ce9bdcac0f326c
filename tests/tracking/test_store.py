"""The tracking store: made once by many, runs that end as they should, dead ones marked."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from unroll import tracking
from unroll.errors import UnrollError
from unroll.tracking import store

WORKER = """
import sys
from pathlib import Path
from unroll import tracking
with tracking.run("train", sys.argv[1], {"a": {"b": 1}}, Path("data")) as run:
    for step in range(5):
        run.log_metrics({"loss": float(step), "broken": float("inf")}, step)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.txt").write_text("data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path


def runs() -> list[Any]:
    import mlflow

    client = mlflow.MlflowClient(store.address())
    return list(client.search_runs([store.experiment_id(client)], max_results=1000))


def test_case_47_many_workers_on_a_fresh_store_lose_nothing(place: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, f"model{index}"], stderr=subprocess.PIPE, text=True)
        for index in range(4)
    ]
    for worker in workers:
        _, errors = worker.communicate(timeout=180)
        assert worker.returncode == 0, errors
    found = runs()
    assert sorted(run.data.tags["unroll.model"] for run in found) == ["model0", "model1", "model2", "model3"]
    assert all(run.info.status == "FINISHED" and run.data.metrics["loss"] == 4 for run in found)
    assert all(run.data.params == {"a.b": "1"} for run in found)
    assert all("broken" not in run.data.metrics for run in found)
    assert all(run.data.tags["unroll.not_finite"] == "broken inf" for run in found)
    connection = sqlite3.connect(place / "mlruns" / "mlflow.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    assert not list((place / "mlruns").glob(".mlflow.db.*"))


@pytest.mark.parametrize(
    ("error", "status"), [(SystemExit(143), "KILLED"), (KeyboardInterrupt(), "KILLED"), (UnrollError("x"), "FAILED")]
)
def test_a_run_ends_as_its_stage_does(place: Path, error: BaseException, status: str) -> None:
    with pytest.raises(type(error)), tracking.run("train", "lstm", {}, place / "data"):
        raise error
    assert [run.info.status for run in runs()] == [status]


@pytest.mark.parametrize(
    ("error", "status"),
    [(SystemExit(143), "KILLED"), (KeyboardInterrupt(), "KILLED"), (UnrollError("x"), "FAILED"), (None, "FINISHED")],
)
def test_a_fault_of_the_environment_neither_hides_an_error_nor_leaves_a_run_open(
    place: Path, error: BaseException | None, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> dict[str, Any]:
        raise RuntimeError("CUDA error: unspecified launch failure")

    expected = pytest.raises(type(error)) if error else nullcontext()
    with expected as found, tracking.run("train", "lstm", {}, place / "data", fail):
        if error:
            raise error
    assert error is None or found.value is error
    assert [run.info.status for run in runs()] == [status]
    assert "train lstm: the tags of the environment are not logged (CUDA error: unspecified" in caplog.text


def test_a_signal_while_the_environment_is_logged_ends_the_run(place: Path) -> None:
    def stop() -> dict[str, Any]:
        raise SystemExit(143)

    with pytest.raises(SystemExit), tracking.run("train", "lstm", {}, place / "data", stop):
        pass
    assert [run.info.status for run in runs()] == ["KILLED"]


def test_runs_of_dead_processes_are_marked(place: Path) -> None:
    code = "import os\nfrom pathlib import Path\nfrom unroll import tracking\n"
    code += "with tracking.run('train', 'lstm', {}, Path('data')):\n    os.kill(os.getpid(), 9)\n"
    killed = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert killed.returncode == -9
    with tracking.run("train", "gru", {}, place / "data"):
        assert store.mark_killed() == 1  # the dead one, not the one in progress
    assert sorted((run.data.tags["unroll.model"], run.info.status) for run in runs()) == [
        ("gru", "FINISHED"),
        ("lstm", "KILLED"),
    ]


def test_case_16_a_kill_while_the_store_is_made_does_not_brick_it(place: Path) -> None:
    (place / "mlruns").mkdir()
    (place / "mlruns" / ".mlflow.db.123").write_bytes(b"half a database")
    store.prepare()
    assert runs() == []
    assert not store.is_outdated()


def test_the_address_is_that_of_the_repository_and_not_of_its_copy(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("copy"))
    assert store.address() == f"sqlite+pysqlite:///{place}/mlruns/mlflow.db"
    monkeypatch.delenv("DVC_ROOT")
    assert store.address() == f"sqlite+pysqlite:///{os.getcwd()}/mlruns/mlflow.db"


@pytest.mark.parametrize("name", ["a é%41 #b", "q?m=1&x", "quo'te\"d", "back\\slash;", "%(x)s", "日本"])
def test_a_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    place = tmp_path / name
    (place / "data").mkdir(parents=True)
    monkeypatch.chdir(place)
    monkeypatch.setenv("DVC_ROOT", str(place))
    with tracking.run("train", "lstm", {}, place / "data") as run:
        (place / "data" / "x.txt").write_text("data")
        run.log_file(place / "data" / "x.txt")
    assert [run.info.status for run in runs()] == ["FINISHED"]
    assert [path.read_text() for path in place.glob("mlruns/artifacts/*/artifacts/x.txt")] == ["data"]
    assert [path.name for path in tmp_path.iterdir()] == [name]  # MLflow makes no folder beside it


@pytest.mark.parametrize("copied", [False, True])
def test_artifacts_follow_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copied: bool) -> None:
    def log(place: Path, name: str) -> None:
        monkeypatch.chdir(place)
        monkeypatch.setenv("DVC_ROOT", str(place))
        (place / f"{name}.txt").write_text(name)
        with tracking.run("train", name, {}, place / f"{name}.txt") as run:
            run.log_file(place / f"{name}.txt")

    def logged() -> list[tuple[str, str]]:
        import mlflow

        client = mlflow.MlflowClient(store.address())
        found = [(run.info.run_id, run.data.tags["unroll.model"]) for run in runs()]
        return sorted((name, Path(client.download_artifacts(id, f"{name}.txt")).read_text()) for id, name in found)

    old, new = tmp_path / "old é", tmp_path / "new %41"
    old.mkdir()
    log(old, "one")
    shutil.copytree(old, new) if copied else old.rename(new)
    before = sorted(old.rglob("*"))
    log(new, "two")
    assert sorted(old.rglob("*")) == before  # without a file of the new run; empty if the folder was moved
    assert logged() == [("one", "one"), ("two", "two")]
    assert len(list(new.glob("mlruns/artifacts/*/artifacts/*.txt"))) == 2
    assert store.correct_paths() is None
    if copied:
        monkeypatch.chdir(old)
        monkeypatch.setenv("DVC_ROOT", str(old))
        assert logged() == [("one", "one")]


def test_artifacts_that_the_user_moved_elsewhere_stay_there(place: Path) -> None:
    store.prepare()
    connection = sqlite3.connect(place / "mlruns" / "mlflow.db")
    connection.execute("UPDATE experiments SET artifact_location = 's3://bucket/runs' WHERE name = 'unroll'")
    connection.commit()
    assert store.correct_paths() is None
    assert connection.execute("SELECT count(*) FROM experiments WHERE artifact_location LIKE 's3:%'").fetchone() == (1,)
    connection.close()


def test_variables_of_mlflow_are_not_used_and_named(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A run that MLFLOW_RUN_ID names belongs to another program, as the experiment and the server do."""
    for name in ("TRACKING_URI", "RUN_ID", "EXPERIMENT_ID", "EXPERIMENT_NAME", "REGISTRY_URI", "ENABLE_ASYNC_LOGGING"):
        monkeypatch.setenv(f"MLFLOW_{name}", "7")
    with tracking.run("train", "lstm", {}, place / "data"):
        pass
    assert [run.info.status for run in runs()] == ["FINISHED"]
    store.prepare()  # MLflow has set the address of the store in the environment, which is not an address of the user
    assert caplog.messages == [
        "not used: MLFLOW_ENABLE_ASYNC_LOGGING, MLFLOW_EXPERIMENT_ID, MLFLOW_EXPERIMENT_NAME, MLFLOW_REGISTRY_URI, "
        "MLFLOW_RUN_ID, MLFLOW_TRACKING_URI; runs are logged to mlruns/mlflow.db of this repository"
    ]


def test_a_damaged_store_is_one_sentence(place: Path) -> None:
    (place / "mlruns").mkdir()
    (place / "mlruns" / "mlflow.db").write_bytes(b"no database at all" * 100)
    for read in (store.is_outdated, store.prepare):
        with pytest.raises(UnrollError, match=r"mlflow\.db: damaged"):
            read()
