"""copy: every run arrives once with everything, also after an interruption at any request."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.made_once import add_empty_store
from tests.tracking.server import Server, free_port, team_server
from tests.trained import Run as Command
from unroll.errors import UnrollError
from unroll.tracking import pyfunc, store
from unroll.tracking.team.copy import copy
from unroll.tracking.team.transfer import IDENTITY, STATE

WRITING = (
    "create_run",
    "log_batch",
    "log_inputs",
    "log_artifacts",
    "create_logged_model",
    "log_outputs",
    "log_model_params",
    "log_model_artifacts",
    "log_model_artifact",
    "finalize_logged_model",
    "set_logged_model_tags",
    "set_terminated",
    "set_tag",
)
"""The methods of a client by which a copy changes its target."""
TEXTS = ["the students opened"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, workspace: Path) -> Path:
    """A repository whose store has a run with a model, a parent with a child, and a run in progress."""
    import mlflow
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
    from mlflow.models import Model

    place = tmp_path_factory.mktemp("made")
    (place / "data").mkdir()
    (place / "data" / "x.txt").write_text("data")
    add_empty_store(place)
    database = place / "mlruns" / "mlflow.db"
    client = client_of(store.address(database))
    experiment = experiment_of(client)
    trained = client.create_run(experiment, 8000, {"mlflow.source.name": "train.py"}, "trained").info.run_id
    client.log_batch(trained, [Metric("train_loss", 1 / (1 + step), step, step) for step in range(1003)])
    client.log_batch(trained, params=[Param("a.b", "1"), Param("c", "é")])
    mlflow.set_tracking_uri(store.address(database))
    Model.log(artifact_path=None, name="model", flavor=pyfunc, folder=workspace / "models" / "trigram", run_id=trained)
    mlflow.set_tracking_uri(None)
    client.log_artifact(trained, str(place / "data" / "x.txt"))
    client.log_artifacts(trained, str(place / "data"), "folder/below é")
    client.set_terminated(trained, "FINISHED", 9000)
    # The child is older than its parent, so the order of time is not that of the copies.
    child = client.create_run(experiment, 1000, {IDENTITY: "own id"}, "child").info.run_id
    parent = client.create_run(experiment, 2000, {"mlflow.note.content": "a note", "mlflow.user": "ada"}, "parent")
    client.set_tag(child, "mlflow.parentRunId", parent.info.run_id)
    client.log_batch(parent.info.run_id, params=[Param(f"p{index}", str(index)) for index in range(230)])
    client.log_batch(child, [Metric("loss", value, 5000 + step, step) for step, value in [(3, 0.5), (3, 2), (4, 2)]])
    client.log_batch(child, [Metric("nan", float("nan"), 1, 0)])
    data = Dataset("words", "digest", "local", json.dumps({"uri": "data"}), "schema", "profile")
    client.log_inputs(child, [DatasetInput(data, [InputTag("mlflow.data.context", "train")])])
    client.set_terminated(child, "KILLED", 3000)
    client.set_terminated(parent.info.run_id, "FAILED", 4000)
    client.create_run(experiment, 6000, run_name="in progress")
    return place


@pytest.fixture
def source(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The store of a copy of this repository, in a folder with a difficult name."""
    place = tmp_path / "a é%41 #b"
    shutil.copytree(made, place)
    monkeypatch.chdir(place)
    monkeypatch.setenv("DVC_ROOT", str(place))
    store.correct_paths()
    return store.address()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a store without runs."""
    folder = tmp_path_factory.mktemp("empty")
    add_empty_store(folder)
    return folder / "mlruns" / "mlflow.db"


@pytest.fixture
def target(empty: Path, tmp_path: Path) -> str:
    """A second store, in place of a server."""
    return store.address(shutil.copy(empty, tmp_path / "target.db"))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with team_server() as started:
        yield started


def client_of(uri: str) -> Any:
    import mlflow

    return mlflow.MlflowClient(uri)


def experiment_of(client: Any) -> str:
    return str(client.get_experiment_by_name("unroll").experiment_id)


def runs_of(uri: str) -> list[Any]:
    client = client_of(uri)
    return list(client.search_runs([experiment_of(client)], max_results=1000))


def contents(uri: str, folder: Path) -> dict[str, Any]:
    """Everything that a store knows about its runs that have ended, without the ids of runs and models."""
    runs = [run for run in runs_of(uri) if run.info.status != "RUNNING"]
    names = {run.info.run_id: run.info.run_name for run in runs}
    assert len(set(names.values())) == len(names)
    return {run.info.run_name: _content(uri, run, names, folder / run.info.run_id) for run in runs}


def _content(uri: str, run: Any, names: dict[str, str], folder: Path) -> dict[str, Any]:
    from mlflow.artifacts import download_artifacts

    client, info = client_of(uri), run.info
    folder.mkdir(parents=True)
    models = [client.get_logged_model(output.model_id) for output in run.outputs.model_outputs]
    ids = {info.run_id: "RUN"} | {model.model_id: "MODEL" for model in models}

    def neutral(text: bytes) -> bytes:
        for old, new in ids.items():
            text = text.replace(old.encode(), new.encode())
        return re.sub(rb"artifact_path: .*(\n  .*)*\n", b"", text)

    tags = {key: names.get(value, value) for key, value in run.data.tags.items() if key not in (IDENTITY, STATE)}
    histories = {key: client.get_metric_history(info.run_id, key) for key in run.data.metrics}
    folders = {"": client.download_artifacts(info.run_id, "", str(folder))}
    for model in models:
        target = folder.with_name(f"{folder.name}-{model.name}")
        target.mkdir()
        folders[f"{model.name}/"] = download_artifacts(model.artifact_location, dst_path=str(target), tracking_uri=uri)
    files = {
        prefix + path.relative_to(place).as_posix(): path
        for prefix, place in folders.items()
        for path in Path(place).rglob("*")
        if path.is_file()
    }
    return {
        "info": (info.status, info.start_time, info.end_time, info.user_id),
        "params": run.data.params,
        "tags": tags,
        "metrics": {
            key: sorted((m.timestamp, m.step, str(m.value)) for m in found) for key, found in histories.items()
        },
        "datasets": [entry.to_dictionary() for entry in run.inputs.dataset_inputs],
        "files": {
            name: neutral(path.read_bytes()) if path.name == "MLmodel" else path.read_bytes()
            for name, path in files.items()
        },
        "models": [
            (
                model.name,
                str(model.status),
                model.model_type or None,
                model.params,
                {key: value for key, value in model.tags.items() if key not in (IDENTITY, STATE)},
                sorted((m.key, m.step, m.timestamp, m.value) for m in model.metrics or []),
                model.source_run_id == info.run_id,
            )
            for model in models
        ],
    }


def predictions(uri: str) -> list[Any]:
    """What the copied model predicts in a new process, by the name of its run and by its own."""
    [run] = [run for run in runs_of(uri) if run.outputs and run.outputs.model_outputs]
    [output] = run.outputs.model_outputs
    names = [f"runs:/{run.info.run_id}/model", f"models:/{output.model_id}"]
    code = "import json, sys; from mlflow.pyfunc import load_model; "
    code += f"print(json.dumps([load_model(name).predict({TEXTS}) for name in sys.argv[1:]]))"
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "AWS_"))}
    command = [sys.executable, "-c", code, *names]
    environment = clean | {"MLFLOW_TRACKING_URI": uri}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return list(json.loads(result.stdout))


@pytest.mark.slow
def test_everything_arrives_once(source: str, target: str, tmp_path: Path, workspace: Path) -> None:
    *copied, summary = copy(source, target)
    assert copied == ["parent: copied", "child: copied", "trained: copied"]
    assert summary == "runs: 3 copied; 1 in progress, left for the next time"
    arrived = contents(target, tmp_path / "two")
    assert arrived == contents(source, tmp_path / "one")
    assert arrived["child"]["tags"]["mlflow.parentRunId"] == "parent"
    assert len(arrived["trained"]["metrics"]["train_loss"]) == 1003
    assert {"x.txt", "folder/below é/x.txt", "model/MLmodel"} <= set(arrived["trained"]["files"])
    ids = {run.info.run_name: run.data.tags[IDENTITY] for run in runs_of(target)}
    originals = {run.info.run_name: run.info.run_id for run in runs_of(source)}
    assert ids == {name: originals[name] for name in ids} | {"child": "own id"}
    assert list(copy(source, target)) == ["runs: 0 copied; 3 there already; 1 in progress, left for the next time"]
    assert contents(target, tmp_path / "three") == arrived
    from unroll import load

    expected = load(workspace / "models" / "trigram").predict(TEXTS)
    assert predictions(target) == [expected, expected]


@pytest.mark.slow
def test_a_copy_that_was_interrupted_at_any_request_goes_on(
    source: str, empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target performs the request, and the copy does not hear of its success."""
    import mlflow

    target, allowed, performed = "", 0, 0

    def interrupted(original: Any) -> Any:
        def request(client: Any, *arguments: Any, **named: Any) -> Any:
            nonlocal performed
            result = original(client, *arguments, **named)
            if client.tracking_uri == target:
                performed += 1
                if performed == allowed:
                    raise mlflow.MlflowException("connection lost")
            return result

        return request

    for name in WRITING:
        monkeypatch.setattr(mlflow.MlflowClient, name, interrupted(getattr(mlflow.MlflowClient, name)))
    expected = contents(source, tmp_path / "expected")
    cut = True
    while cut:
        allowed, performed = allowed + 1, 0
        target = store.address(shutil.copy(empty, tmp_path / f"target{allowed}.db"))
        with suppress(UnrollError):
            list(copy(source, target))
        cut = performed == allowed
        if cut:
            list(copy(source, target))
        assert contents(target, tmp_path / f"arrived{allowed}") == expected
    assert allowed > 20


def test_what_has_ended_since_is_copied_next_time_with_its_children(source: str, target: str) -> None:
    client = client_of(source)
    [running] = [run for run in runs_of(source) if run.info.status == "RUNNING"]
    tags = {"mlflow.parentRunId": running.info.run_id}
    below = client.create_run(running.info.experiment_id, 7000, tags, "below")
    client.set_terminated(below.info.run_id)
    assert list(copy(source, target))[-1].endswith("; 2 in progress, left for the next time")
    client.set_terminated(running.info.run_id)
    assert list(copy(source, target)) == [
        "in progress: copied",
        "below: copied",
        "runs: 2 copied; 3 there already",
    ]
    found = {run.info.run_name: run for run in runs_of(target)}
    assert found["below"].data.tags["mlflow.parentRunId"] == found["in progress"].info.run_id


def test_what_was_added_to_a_run_since_arrives_too(source: str, target: str, tmp_path: Path) -> None:
    """An evaluation is added to the run of its training, and a mean to the parent of several seeds."""
    from mlflow.entities import Metric

    list(copy(source, target))
    client = client_of(source)
    ids = {run.info.run_name: run.info.run_id for run in runs_of(source)}
    client.log_batch(ids["trained"], [Metric("test_perplexity", 5.5, 20, 0), Metric("train_loss", 0.5, 20, 2000)])
    client.set_tag(ids["trained"], "mlflow.parentRunId", ids["parent"])
    client.log_artifact(ids["child"], str(Path("data/x.txt")), "later")
    client.delete_logged_model(client.get_run(ids["trained"]).outputs.model_outputs[0].model_id)
    assert list(copy(source, target)) == [
        "child: brought up to date",
        "trained: brought up to date",
        "runs: 0 copied; 2 brought up to date; 1 there already; 1 in progress, left for the next time",
    ]
    copied = {run.info.run_name: run for run in runs_of(target)}
    assert len(copied) == 3
    trained, parent, child = (copied[name] for name in ("trained", "parent", "child"))
    assert trained.data.metrics == {"train_loss": 0.5, "test_perplexity": 5.5}
    assert len(client_of(target).get_metric_history(trained.info.run_id, "train_loss")) == 1004
    assert trained.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert trained.info.end_time == 9000
    assert {file.path for file in client_of(target).list_artifacts(child.info.run_id)} == {"later"}
    assert list(copy(source, target)) == ["runs: 0 copied; 3 there already; 1 in progress, left for the next time"]


def test_a_run_that_was_logged_or_deleted_in_the_target_is_not_made_again(source: str, target: str) -> None:
    client = client_of(target)
    live = client.create_run(experiment_of(client), tags={IDENTITY: "own id"}, run_name="live")
    assert list(copy(source, target))[-1].startswith("runs: 2 copied; 1 there already")
    [parent] = [run for run in runs_of(target) if run.info.run_name == "parent"]
    client.delete_run(parent.info.run_id)
    client.delete_run(live.info.run_id)
    assert list(copy(source, target))[-1].startswith("runs: 0 copied; 3 there already")
    assert [run.info.run_name for run in runs_of(target)] == ["trained"]


def test_a_model_that_another_run_has_used_is_named_by_its_id_in_the_target(source: str, target: str) -> None:
    from mlflow.entities import LoggedModelInput

    client = client_of(source)
    [trained] = [run for run in runs_of(source) if run.outputs.model_outputs]
    user = client.create_run(trained.info.experiment_id, run_name="user")
    used = LoggedModelInput(trained.outputs.model_outputs[0].model_id)
    client.log_inputs(user.info.run_id, models=[used])
    client.set_terminated(user.info.run_id)
    list(copy(source, target))
    found = {run.info.run_name: run for run in runs_of(target)}
    [made] = found["trained"].outputs.model_outputs
    copied = client_of(target).get_run(found["user"].info.run_id)
    assert [entry.model_id for entry in copied.inputs.model_inputs] == [made.model_id]


def test_the_variables_of_the_user_stay(source: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    before = dict(os.environ)
    lines = copy(source, target)
    next(lines)
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"
    list(lines)
    assert dict(os.environ) == before


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a program that answers every request with the same HTTP status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://ada:secret@127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answering", "sentence"),
    [
        (401, "does not permit this (HTTP 401); set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or"),
        (403, "does not permit this (HTTP 403); set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or"),
        (404, "does not take the runs (API request to endpoint /api/2.0/mlflow/experiments/get-by-name failed"),
        (503, "does not answer; start the server or correct the address; then run the same command again"),
    ],
    indirect=["answering"],
)
def test_a_refusal_is_one_sentence_without_the_password(
    source: str, answering: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with pytest.raises(UnrollError) as caught:
        list(copy(source, answering))
    assert str(caught.value).startswith(answering.replace("secret", "***") + f": {sentence}")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_target_that_cannot_be_one_is_one_sentence(source: str, target: str, tmp_path: Path) -> None:
    with pytest.raises(UnrollError, match="--to server: give the address of an MLflow server"):
        list(copy(source, "server"))
    with pytest.raises(UnrollError, match="is the store that has the runs already"):
        list(copy(source, source))
    client = client_of(target)
    client.delete_experiment(experiment_of(client))
    with pytest.raises(UnrollError, match="the experiment unroll is deleted; restore it with `mlflow experiments"):
        list(copy(source, target))


def test_a_repository_without_a_store_is_one_sentence(unroll: Command, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    result = unroll("sync", "--to", "http://127.0.0.1:1")
    assert result.code == 1
    assert result.err == (
        f"unroll: {tmp_path}/mlruns/mlflow.db: there is no store, so there are no runs to copy; run `dvc repro` first\n"
    )


@pytest.mark.slow
def test_a_server_gets_everything_also_if_it_dies_meanwhile(
    source: str,
    server: Server,
    unroll: Command,
    tmp_path: Path,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the command, and without keys of the object store."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    closed = f"http://127.0.0.1:{free_port()}"
    down = unroll("sync", "--to", closed)
    assert (down.code, down.out) == (1, "")
    assert down.err == (
        f"unroll: {closed}: does not answer; start the server or correct the address; then run the same command "
        "again, which goes on\n"
    )
    lines = copy(source, server.address)
    assert next(lines) == "parent: copied"
    server.kill()
    with pytest.raises(UnrollError, match="does not answer"):
        list(lines)
    server.start()
    result = unroll("sync", "--to", server.address)
    assert result.code == 0, result.err
    assert result.out.splitlines() == [
        "child: copied",
        "trained: copied",
        "runs: 2 copied; 1 there already; 1 in progress, left for the next time",
    ]
    arrived = contents(server.address, tmp_path / "two")
    assert arrived == contents(source, tmp_path / "one")
    assert unroll("sync", "--to", server.address).out.startswith("runs: 0 copied; 3 there already")
    from unroll import load

    expected = load(workspace / "models" / "trigram").predict(TEXTS)
    assert predictions(server.address) == [expected, expected]
