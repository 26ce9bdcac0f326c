"""The pipeline logs to the server of a team: from many processes, without its keys, and also if the server dies."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.pipeline.pipeline import (
    PROGRAMS,
    copy_of_the_repository,
    environment,
    git,
    hashes,
    run,
    small,
    write_params,
    yaml,
)
from tests.tracking.server import Server, team_server, wait_for

pytestmark = pytest.mark.slow
NAMES = [f"model{number}" for number in range(8)]
EPOCHS = 20


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with team_server() as started:
        yield started


def repository(place: Path, models: dict[str, Any], values: dict[str, Any]) -> Path:
    """A repository with a small text and these models."""
    corpora, tokenizers = {"prose": values["corpora"]["prose"]}, {"words": values["tokenizers"]["words"]}
    write_params(place, values | {"corpora": corpora, "tokenizers": tokenizers, "models": models, "mixtures": {}})
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "small")
    run(place, "unroll", "doctor")
    return place


@pytest.fixture(scope="module")
def untracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose pipeline has run without a process that logs."""
    place = copy_of_the_repository(tmp_path_factory.mktemp("team") / "untracked")
    values = small(yaml.load((place / "params.yaml").read_text(encoding="utf-8")), place)
    lstm = values["models"]["lstm"]
    training = lstm["training"] | {"epochs": EPOCHS, "patience": EPOCHS}
    models = {"trigram": values["models"]["trigram"], "lstm": lstm | {"training": training}}
    repository(place, models, values)
    run(place, "dvc", "repro", UNROLL_TRACKING="later")
    return place


@pytest.fixture
def place(untracked: Path, tmp_path: Path) -> Path:
    """A clone of it without results."""
    git(tmp_path, "clone", "--quiet", str(untracked), str(tmp_path / "a clone"))
    run(tmp_path / "a clone", "unroll", "doctor")
    return tmp_path / "a clone"


def client_of(server: Server) -> Any:
    import mlflow

    return mlflow.MlflowClient(server.address)


def runs_of(server: Server, experiment: str) -> dict[str, list[Any]]:
    """The runs of models of an experiment, by the name of the model."""
    client = client_of(server)
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return {}
    runs = client.search_runs([found.experiment_id], "tags.`unroll.kind` = 'model'", max_results=1000)
    names = {run.data.tags["unroll.model"] for run in runs}
    return {name: [run for run in runs if run.data.tags["unroll.model"] == name] for name in sorted(names)}


def variables(server: Server, experiment: str) -> dict[str, str]:
    """What lets a stage log to an experiment of the server, in the background."""
    return {"MLFLOW_TRACKING_URI": server.address, "MLFLOW_EXPERIMENT_NAME": experiment, "UNROLL_TRACKING": ""}


def assert_everything_is_there(place: Path, server: Server, experiment: str, names: list[str]) -> None:
    """One run for each model, with all numbers of its files, nothing twice, and nothing that waits."""
    output = run(place, "unroll", "sync", **variables(server, experiment))
    assert not list((place / "mlruns" / "outbox").rglob("run.json")), output
    found = runs_of(server, experiment)
    assert {name: len(runs) for name, runs in found.items()} == dict.fromkeys(names, 1)
    client = client_of(server)
    for name, [logged] in found.items():
        assert logged.info.status == "FINISHED"
        metrics = json.loads((place / "metrics" / f"{name}.json").read_text(encoding="utf-8"))
        assert logged.data.metrics["test_perplexity"] == pytest.approx(metrics["test_perplexity"], rel=1e-12)
        rows = (place / "metrics" / "train" / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        columns = rows[0].split(",")
        for column in {"train_loss", "valid_loss"} & set(columns):
            steps = [int(row.split(",")[0]) for row in rows[1:] if row.split(",")[columns.index(column)]]
            history = client.get_metric_history(logged.info.run_id, column)
            assert sorted(metric.step for metric in history) == steps, (name, column)


def test_the_pipeline_logs_to_the_server_and_its_models_load_from_there(place: Path, server: Server) -> None:
    run(place, "dvc", "repro", **variables(server, "pipeline"))
    assert_everything_is_there(place, server, "pipeline", ["lstm", "trigram"])
    [logged] = runs_of(server, "pipeline")["lstm"]
    artifacts = {artifact.path for artifact in client_of(server).list_artifacts(logged.info.run_id)}
    assert {"metrics.json", "evaluation", "reproduce"} <= artifacts
    code = "import sys; from mlflow.pyfunc import load_model; "
    code += "print(load_model(sys.argv[1]).predict(['The class statement'])[0]['perplexity'] > 1)"
    clean = {key: value for key, value in environment().items() if not key.startswith("AWS_")}
    result = subprocess.run(
        [sys.executable, "-c", code, f"runs:/{logged.info.run_id}/model"],
        env=clean | {"MLFLOW_TRACKING_URI": server.address},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.split() == ["True"], result.stderr


def test_eight_processes_at_once_lose_nothing(untracked: Path, tmp_path: Path, server: Server) -> None:
    values = yaml.load((untracked / "params.yaml").read_text(encoding="utf-8"))
    place = copy_of_the_repository(tmp_path / "eight")
    shutil.copy(untracked / "my text.txt", place)
    trigram = values["models"]["trigram"]
    models = {name: trigram | {"order": 1 + number % 4} for number, name in enumerate(NAMES)}
    repository(place, models, values)
    run(place, "dvc", "repro", "partition")
    # Without DVC, which would lock the repository.
    for stage in ("train", "evaluate"):
        processes = [
            subprocess.Popen(
                ["sh", "stages/run", stage, name],
                cwd=place,
                env=environment(**variables(server, "eight")),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for name in NAMES
        ]
        for process in processes:
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors
    assert_everything_is_there(place, server, "eight", NAMES)


def test_a_server_that_dies_in_a_training_changes_no_byte_and_gets_everything_once(
    untracked: Path, place: Path, server: Server
) -> None:
    def training() -> list[psutil.Process]:
        assert process.poll() is None, "the pipeline ended before the training could be stopped"
        with suppress(psutil.NoSuchProcess):
            below = psutil.Process(process.pid).children(recursive=True)
            return [child for child in below if {"stages.train", "lstm"} <= set(child.cmdline())]
        return []

    def is_in_the_journal() -> bool:
        rows = [path.read_text(encoding="utf-8") for path in (place / "mlruns" / "outbox").rglob("*.jsonl")]
        return bool(training()) and any("train_loss" in row for row in rows)

    def is_on_the_server() -> bool:
        return any("train_loss" in run.data.metrics for run in runs_of(server, "dies").get("lstm", []))

    process = subprocess.Popen(
        [str(PROGRAMS / "dvc"), "repro"],
        cwd=place,
        env=environment(**variables(server, "dies")),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(is_in_the_journal, "the first loss")
        [stage] = training()
        stage.suspend()  # until the server has the beginning of the training and not its end
        wait_for(is_on_the_server, "the first loss on the server")
        server.kill()
        stage.resume()
        trained = place / "models" / "lstm"
        wait_for(lambda: trained.exists() or process.poll() is not None, "the end of the training")
        assert trained.exists()
        assert process.wait(timeout=600) == 0
    finally:
        process.kill()
        process.wait()
        server.start()
    assert hashes(place) == hashes(untracked)
    assert_everything_is_there(place, server, "dies", ["lstm", "trigram"])


def test_a_server_that_is_down_all_the_time_changes_no_byte_either(
    untracked: Path, place: Path, server: Server
) -> None:
    server.kill()
    try:
        run(place, "dvc", "repro", **variables(server, "down"))
        assert hashes(place) == hashes(untracked)
    finally:
        server.start()
    assert_everything_is_there(place, server, "down", ["lstm", "trigram"])
