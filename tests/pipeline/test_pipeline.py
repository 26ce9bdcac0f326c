"""The real pipeline under the real `dvc`, on a small text and small models, in copies of the repository."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from tests.pipeline.pipeline import (
    PROGRAMS,
    ROOT,
    artifacts,
    copy_of_the_repository,
    edit_params,
    environment,
    forget,
    git,
    hashes,
    run,
    runs,
    small,
    stages_that_run,
    stages_to_run,
    write_params,
    yaml,
)
from unroll.environment import RECORD, Record, describe
from unroll.evaluation import token_losses
from unroll.evaluation.statistics import compare
from unroll.fingerprint import fingerprint
from unroll.params.load import load
from unroll.tracking import store

pytestmark = pytest.mark.slow
SMALL = ("unigram", "trigram", "lstm", "seq2seq", "mixed")
"""The names of the small pipeline's models."""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose small pipeline has run, in a path with a space."""
    place = copy_of_the_repository(tmp_path_factory.mktemp("pipeline") / "my copy")
    write_params(place, small(yaml.load((place / "params.yaml").read_text(encoding="utf-8")), place))
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "small")
    run(place, "unroll", "doctor")
    run(place, "dvc", "repro")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "results")
    return place


@pytest.fixture
def place(finished: Path, tmp_path: Path) -> Path:
    """A copy of it to experiment with."""
    shutil.copytree(finished, tmp_path / "a copy", symlinks=True)
    run(tmp_path / "a copy", "unroll", "doctor")
    return tmp_path / "a copy"


def test_everything_was_made(finished: Path) -> None:
    for name in SMALL:
        assert (finished / "models" / name / "params.json").is_file()
        assert (finished / "metrics" / f"{name}.json").is_file()
    leaderboard = (finished / "reports" / "leaderboard.md").read_text(encoding="utf-8")
    assert "| `lstm` | recurrent |" in leaderboard
    for picture in ("curves", "perplexity", "bits_per_byte"):
        assert (finished / "reports" / "figures" / f"{picture}.png").read_bytes().startswith(b"\x89PNG")


def test_a_second_repro_has_nothing_to_do(place: Path) -> None:
    assert "Data and pipelines are up to date" in run(place, "dvc", "repro")
    assert stages_to_run(place) == set()


def test_stages_that_run_at_once_give_the_same_bytes(place: Path) -> None:
    before = (place / "dvc.lock").read_bytes()
    (place / "dvc.lock").unlink()
    shutil.rmtree(place / ".dvc" / "cache")
    for folder in ("data", "models", "metrics", "reports"):
        shutil.rmtree(place / folder)
    output = run(place, "unroll", "repro", "--jobs", "2")
    assert "train@lstm: done after" in output
    assert (place / "dvc.lock").read_bytes() == before
    assert "metrics" not in git(place, "status", "--porcelain")
    plan = json.loads(run(place, "unroll", "plan", "--json"))
    assert {stage["state"] for stage in plan["stages"]} == {"unchanged"}
    assert all(stage["seconds"] > 0 for stage in plan["stages"])  # each stage measures itself
    assert "Data and pipelines are up to date" in run(place, "dvc", "repro")


def test_an_experiment_is_shown_beside_the_commit_that_it_began_from(place: Path) -> None:
    run(place, "dvc", "exp", "run", "--name", "short", "-S", "models.lstm.training.epochs=1", "evaluate@lstm")
    after = json.loads((place / "metrics/lstm.json").read_text(encoding="utf-8"))["test_perplexity"]
    losses = [token_losses.read(place / "data/evaluations/lstm/losses.parquet")["nll"]]
    git(place, "checkout", "--", ".")
    run(place, "dvc", "checkout")
    losses.append(token_losses.read(place / "data/evaluations/lstm/losses.parquet")["nll"])
    before = json.loads((place / "metrics/lstm.json").read_text(encoding="utf-8"))["test_perplexity"]
    params = load(place / "params.yaml")
    [shown] = map(json.loads, run(place, "unroll", "experiments", "--format", "json", "--all").splitlines())
    shown.pop("seconds")
    assert shown == {
        "experiment": "short",
        "base": git(place, "rev-parse", "HEAD")[:10],
        "params": "models.lstm.training.epochs 2 -> 1",
        "model": "lstm",
        "measure": "test_perplexity",
        "before": before,
        "after": after,
        "p": compare(*losses, params.evaluate.statistics, params.seed).p,
        "better": before - after,
    }
    assert "| short " in run(place, "unroll", "experiments", "short")
    message = "unroll: shor: is not an experiment of this repository; did you mean short?"
    assert message in run(place, "unroll", "experiments", "shor", code=1)


def test_a_changed_family_reruns_that_family_only(place: Path) -> None:
    with (place / "src/unroll/models/ngram/model.py").open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    expected = {f"{stage}@{name}" for stage in ("train", "evaluate") for name in ("unigram", "trigram")}
    mixture = {"train_mixtures@mixed", "evaluate_mixtures@mixed"}  # it depends on the families of its members
    assert stages_to_run(place) - {"report"} == expected | mixture


def test_a_change_in_how_batches_are_drawn_retrains_every_network(place: Path) -> None:
    with (place / "src/unroll/training/batching.py").open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    status = run(place, "dvc", "status")
    assert {"train@lstm", "train@seq2seq"} <= {line.removesuffix(":") for line in status.splitlines()}
    assert "partition" not in status


def test_a_changed_parameter_reruns_that_model_only(place: Path) -> None:
    edit_params(place, "models.lstm.hidden_size", 24)
    edit_params(place, "models.lstm.embedding_size", 24)
    assert stages_that_run(place) == {
        "train@lstm",
        "evaluate@lstm",
        "train_mixtures@mixed",
        "evaluate_mixtures@mixed",
        "report",
    }
    git(place, "checkout", "params.yaml")
    assert stages_that_run(place) == {"report"}  # the rest is in DVC's run cache


def test_a_model_with_equal_weights_and_another_parameter_is_evaluated_with_its_own_hash(place: Path) -> None:
    edit_params(place, "models.lstm.training.checkpoint_steps", 400)
    assert {"train@lstm", "evaluate@lstm"} <= stages_that_run(place)
    written = json.loads((place / "metrics" / "lstm.json").read_text(encoding="utf-8"))
    params = load(place / "params.yaml").models["lstm"].model_dump()
    assert written["params_hash"] == fingerprint(params, place / "data/partitions/words")["params_hash"]


def test_outputs_hold_no_path_no_time_and_no_run(place: Path) -> None:
    for path in hashes(place):
        for file in [place / path] if (place / path).is_file() else (place / path).rglob("*"):
            if file.is_file():
                assert str(place.parent).encode() not in file.read_bytes(), file
                assert b"my copy" not in file.read_bytes(), file


def test_from_nothing_in_another_folder_every_hash_is_the_same(finished: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    git(tmp_path, "clone", "--quiet", str(finished), str(other))
    (other / "dvc.lock").unlink()
    run(other, "unroll", "doctor")
    run(other, "dvc", "repro")
    assert hashes(other) == hashes(finished)
    assert "have the same bytes as those of" in run(other, "unroll", "verify", "--against", str(finished / "dvc.lock"))
    assert "have the same bytes as those of HEAD" in run(other, "unroll", "verify", "--against", "HEAD")
    assert git(other, "status", "--porcelain") == ""


def test_every_result_names_the_processor_that_made_it(finished: Path) -> None:
    record = Record.parse((finished / RECORD).read_bytes())
    made = {path: record.find(path, md5) for path, md5 in hashes(finished).items() if path.startswith("metrics/")}
    numbers = {path: found for path, found in made.items() if path.split("/")[1] not in ("clean", "tokens")}
    assert {f"metrics/{name}.json" for name in SMALL} < set(numbers)
    for path, found in numbers.items():
        assert found is not None, path
        assert found["processor"] == describe()["processor"]
        assert found["variables"]["OMP_NUM_THREADS"] == "1"
    assert "torch_kernels" in (numbers["metrics/lstm.json"] or {})
    assert "torch_kernels" not in (numbers["metrics/train/trigram.csv"] or {})


def test_verify_finds_a_flipped_bit_that_dvc_trusts(place: Path) -> None:
    assert "outputs match dvc.lock" in run(place, "unroll", "verify")
    weights = place / "models" / "lstm" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.chmod(0o644)
    weights.write_bytes(content)
    assert "models/lstm: missing, or not as dvc.lock records" in run(place, "unroll", "verify", code=1)
    assert "does not match manifest.json" in run(place, "unroll", "score", "lstm", "my text.txt", code=1)


def names(found: list[Any], kind: str = "model") -> list[str]:
    return sorted(run.data.tags["unroll.model"] for run in found if run.data.tags["unroll.kind"] == kind)


def run_of(found: list[Any], name: str) -> Any:
    """The newest run of a model."""
    return next(run for run in found if run.data.tags["unroll.model"] == name)


def test_every_model_has_one_run(place: Path) -> None:
    found = runs(place)
    assert names(found) == sorted(SMALL)
    assert names(found, "report") == ["report"]
    assert all(run.info.status == "FINISHED" for run in found)
    lstm = run_of(found, "lstm")
    assert lstm.data.params["training.epochs"] == "2"
    measured = {"train_loss", "valid_loss", "best_valid_loss", "best_epoch", "valid_perplexity", "test_perplexity"}
    measured |= {"test_perplexity_low", "bits_per_byte", "parameters", "train_seconds", "train_peak_memory_mb"}
    assert measured <= set(lstm.data.metrics)
    assert lstm.data.tags["unroll.training"] == hashes(place)["models/lstm"]
    assert lstm.data.tags["unroll.evaluation"] == hashes(place)["metrics/lstm.json"]
    assert lstm.data.tags["mlflow.source.name"] == "dvc repro"
    assert lstm.data.tags["mlflow.source.git.commit"] == git(place, "rev-parse", "HEAD~1").strip()
    [data] = {one.dataset.digest for one in lstm.inputs.dataset_inputs}
    assert data == hashes(place)["data/partitions/words"]
    files = {"curve.csv", "evaluation", "metrics.json", "reproduce", "samples.txt"}
    assert artifacts(place, lstm) == files
    assert artifacts(place, run_of(found, "seq2seq")) >= files
    assert {"figures", "index.html", "leaderboard.csv"} <= artifacts(place, run_of(found, "report"))


def test_results_that_dvc_restored_have_a_run_after_a_sync_and_no_result_has_two(place: Path) -> None:
    edit_params(place, "models.lstm.training.learning_rate", 0.003)
    run(place, "dvc", "repro")
    shutil.rmtree(place / "mlruns")
    git(place, "checkout", "params.yaml")
    assert stages_that_run(place) == {"report"}
    assert names(runs(place)) == sorted(SMALL)
    assert "all results are logged" in run(place, "unroll", "sync")


def test_the_process_in_the_background_logs_a_training_while_it_runs_and_every_result(place: Path) -> None:
    """Also what DVC restores from its cache, after the report."""
    live = {"UNROLL_TRACKING": ""}
    database = place / "mlruns" / "mlflow.db"
    shutil.rmtree(place / "mlruns")
    forget(place, "models/lstm")
    edit_params(place, "models.lstm.training.epochs", 4000)
    edit_params(place, "models.lstm.training.patience", 4000)
    command = [str(PROGRAMS / "dvc"), "repro", "train@lstm"]
    with subprocess.Popen(command, cwd=place, env=environment(**live), stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: database.exists() and statuses(database) == {"lstm": "RUNNING"})
        finally:
            process.terminate()
    wait_until(lambda: statuses(database) == {"lstm": "KILLED"})
    git(place, "checkout", "params.yaml")
    run(place, "dvc", "repro", **live)
    expected = dict.fromkeys((*SMALL, "report"), "FINISHED")
    wait_until(lambda: statuses(database) == expected and not list(place.glob("mlruns/outbox/local/*/end.json")))
    assert "all results are logged" in run(place, "unroll", "sync")


def statuses(database: Path) -> dict[str, str]:
    """The status of the newest run of each model, read without MLflow."""
    query = "SELECT value, status FROM runs JOIN tags USING (run_uuid) WHERE key = 'unroll.model' ORDER BY start_time"
    with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)) as connection:
        return dict(connection.execute(query))


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_logged_model_loads_and_answers(finished: Path) -> None:
    train = run_of(runs(finished), "lstm")
    code = (
        f"import mlflow, sys; mlflow.set_tracking_uri('{store.address(finished / 'mlruns' / 'mlflow.db')}');"
        f"model = mlflow.pyfunc.load_model('runs:/{train.info.run_id}/model');"
        "answer = model.predict(['The class statement', 'again']); print(len(answer), answer[0]['perplexity'] > 1)"
    )
    output = run(finished.parent, "python", "-c", code, MLFLOW_ALLOW_PICKLE_DESERIALIZATION="false")
    assert output.splitlines()[-1] == "2 True"


def test_no_stage_imports_mlflow(place: Path) -> None:
    for stage, name in (("train", "lstm"), ("train", "unigram"), ("evaluate", "lstm"), ("report", "")):
        command = ["python", "-X", "importtime", "-m", f"stages.{stage}", *filter(None, [name])]
        assert "mlflow" not in {line.split("|")[-1].strip() for line in run(place, *command).splitlines()}


def test_sigterm_in_training_is_a_failure_and_the_next_run_is_the_same(place: Path) -> None:
    before = hashes(place)
    forget(place, "models/lstm")
    edit_params(place, "models.lstm.training.epochs", 400)
    process = subprocess.Popen(
        [str(PROGRAMS / "dvc"), "repro", "--single-item", "train@lstm"],
        cwd=place,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "train lstm: step" in line:
            break
    stage = subprocess.run(["pgrep", "-P", str(process.pid), "-f", "stages.train"], capture_output=True, text=True)
    os.kill(int(stage.stdout.split()[0]), signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0, errors
    assert not (place / "models" / "lstm").exists()
    assert next(r for r in runs(place) if r.data.tags["unroll.model"] == "lstm").info.status == "KILLED"
    edit_params(place, "models.lstm.training.epochs", 2)
    run(place, "dvc", "repro")
    assert hashes(place) == before


def test_a_killed_dvc_leaves_nothing_running_and_doctor_repairs(place: Path) -> None:
    edit_params(place, "models.lstm.training.epochs", 400)
    process = subprocess.Popen(
        [str(PROGRAMS / "dvc"), "repro"],
        cwd=place,
        env=environment(SHELL="/bin/sh"),  # unlike bash, it waits for a command that does not replace it
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "train lstm: step" in line:
            break
    process.kill()
    process.stdout.close()
    process.wait()
    wait_until(lambda: not [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(place)], 20)
    assert run_of(runs(place), "lstm").info.status == "KILLED"  # the stage got a signal, and ended its journal
    (place / ".dvc" / "tmp" / "rwlock").write_text("")  # as a kill during a write leaves it
    edit_params(place, "models.lstm.training.epochs", 2)
    assert "rwlock" in run(place, "dvc", "repro", code=None)
    assert "was damaged by a kill; removed" in run(place, "unroll", "doctor")
    run(place, "dvc", "repro")


def test_a_queued_sweep_on_a_fresh_store_loses_no_run(place: Path) -> None:
    shutil.rmtree(place / "mlruns")
    git(place, "add", "--all")
    run(place, "dvc", "exp", "run", "--queue", "-S", "models.lstm.training.learning_rate=0.001,0.002")
    run(place, "dvc", "queue", "start", "-j", "2")
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        status = run(place, "dvc", "queue", "status")
        if "Queued" not in status.split("Worker")[0] and "Running" not in status.split("Worker")[0]:
            break
        time.sleep(2)
    assert status.count("Success") == 2, status
    found = runs(place)
    trained = [r for r in found if r.data.tags["unroll.model"] == "lstm" and "dvc.exp.name" in r.data.tags]
    assert sorted(r.data.params["training.learning_rate"] for r in trained) == ["0.001", "0.002"]
    assert all(r.info.status == "FINISHED" and r.data.tags.get("dvc.exp.name") for r in trained)
    experiments = [r for r in found if r.data.tags["unroll.kind"] == "experiment"]
    parents = {r.info.run_id: r.data.tags["dvc.exp.name"] for r in experiments}
    for r in trained:
        assert parents[r.data.tags["mlflow.parentRunId"]] == r.data.tags["dvc.exp.name"]
    assert all("index.html" in artifacts(place, r) for r in experiments)  # their reports
    table = run(place, "dvc", "exp", "show", "--csv")
    assert all(name in table for name in (r.data.tags["dvc.exp.name"] for r in trained))


MIRROR = Path(os.environ.get("UNROLL_MIRROR", ROOT.parent / "shared" / "corpora"))


@pytest.mark.mirror
@pytest.mark.skipif(not MIRROR.is_dir(), reason="no mirror of the real corpora (UNROLL_MIRROR)")
def test_a_corpus_of_the_catalogue_takes_the_place_of_the_default(place: Path) -> None:
    values = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    edit_params(place, "corpora.prose", values["corpora"]["prose"])
    git(place, "commit", "--quiet", "--all", "--message", "package-docs")
    changes = ("corpora.prose.source=timemachine", "~corpora.prose.packages", "~corpora.prose.sha256")
    options = [text for change in (*changes, "models.lstm.training.epochs=1") for text in ("-S", change)]
    run(place, "dvc", "exp", "run", "--name", "wells", *options, "evaluate@lstm", UNROLL_MIRROR=str(MIRROR))
    assert "wells" in run(place, "dvc", "exp", "show", "--csv")
    assert any(r.data.tags.get("dvc.exp.name") == "wells" for r in runs(place))
    assert "traveller" in (place / "models" / "lstm" / "tokenizer.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("metrics show", "test_perplexity"),
        ("plots show --json", "reports/leaderboard.csv"),
        ("exp show --csv", "test_perplexity"),
    ],
)
def test_dvc_shows_the_numbers(place: Path, command: str, shown: str) -> None:
    assert shown in run(place, "dvc", *command.split())
