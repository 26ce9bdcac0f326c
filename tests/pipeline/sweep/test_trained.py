"""A sweep of real trainings, on a small text and a small model: DVC and MLflow have its points."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.pipeline import copy_of_the_repository, edit_params, git, run, runs, small, write_params, yaml
from tests.pipeline.sweep.repository import experiments, rows, start, sweep, write_space
from unroll.pipeline.sweep.search import Search
from unroll.pipeline.sweep.space import Space
from unroll.pipeline.sweep.trials import Trials

pytest.importorskip("optuna", reason="the extra `search` is not installed")
pytestmark = pytest.mark.slow
RATE = "models.lstm.training.learning_rate"
SPACE: dict[str, Any] = {
    "targets": ["evaluate@lstm"],
    "metric": {"file": "metrics/lstm.json", "key": "valid_perplexity", "direction": "minimize"},
    "sampler": {"kind": "random", "seed": 1},
    "pruner": {"kind": "median", "model": "lstm", "startup_trials": 2, "warmup_epochs": 2},
    "space": {RATE: {"kind": "float", "low": 1e-5, "high": 1e-2, "log": True, "step": None}},
}
EPOCHS = 12


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = copy_of_the_repository(tmp_path / "a repository")
    values = small(yaml.load((place / "params.yaml").read_text(encoding="utf-8")), place)
    one = {key: {name: values[key][name]} for key, name in (("corpora", "prose"), ("tokenizers", "words"))}
    write_params(place, values | one | {"models": {"lstm": values["models"]["lstm"]}, "mixtures": {}})
    edit_params(place, "models.lstm.training.epochs", EPOCHS)
    edit_params(place, "models.lstm.training.patience", EPOCHS)
    edit_params(place, "models.lstm.training.checkpoint_steps", 20)
    edit_params(place, "models.lstm.training.schedule", {"kind": "constant"})
    git(place, "init", "--quiet")
    for key, value in ("user.name", "test"), ("user.email", "test@example.org"):
        git(place, "config", key, value)
    run(place, "unroll", "doctor")
    run(place, "dvc", "repro")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "begin")
    return place


def seed_of_a_bad_third_point() -> int:
    """A seed whose third learning rate is far too small, so that its training is pruned."""
    for seed in range(1000):
        search = Search("", Space.model_validate(SPACE | {"sampler": {"kind": "random", "seed": seed}}), [])
        first, second, third = (search.ask()[1][RATE] for _ in range(3))
        if min(first, second) > 1e-3 and third < 3e-5:
            return seed
    raise AssertionError


def test_a_sweep_of_trainings(place: Path) -> None:
    write_space(place, SPACE | {"sampler": {"kind": "random", "seed": seed_of_a_bad_third_point()}})
    logs = place / ".dvc/tmp/sweeps/rate/logs"
    head = start(place, "--trials", "3")
    end = time.monotonic() + 240
    while not ((logs / "2.log").exists() and "valid_loss" in (logs / "2.log").read_text()):
        assert time.monotonic() < end
        assert head.poll() is None
        time.sleep(0.1)
    head.send_signal(signal.SIGKILL)
    head.wait()
    first = dict(experiments(place))
    output = sweep(place, "--trials", "3")
    assert "2 finished, 1 pruned, 0 failed" in output
    assert experiments(place)["rate-1"] == first["rate-1"]
    assert "resuming after" in (logs / "2.log").read_text()  # the killed training went on from its checkpoint
    assert set(experiments(place)) == {"rate-1", "rate-2"}

    ended = {trial.experiment: trial for trial in Trials(place / ".dvc/tmp/sweeps/rate")}
    assert {name: list(trial.observed) for name, trial in ended.items()} == {
        "rate-1": list(range(1, EPOCHS + 1)),
        "rate-2": list(range(1, EPOCHS + 1)),
        "rate-3": [1, 2, 3],  # it ends at the first epoch at which it can
    }
    found = rows(place, "--trials", "3")
    for name in ("rate-1", "rate-2"):
        run(place, "dvc", "exp", "apply", name)
        metrics = json.loads((place / "metrics/lstm.json").read_text())
        assert metrics["valid_perplexity"] == found[name]["value"]
        assert "up to date" in run(place, "dvc", "status", "evaluate@lstm", "train@lstm")
        git(place, "checkout", "--", ".")
    assert all(f"{name}," in run(place, "dvc", "exp", "show", "--csv") for name in ("rate-1", "rate-2"))

    git(place, "checkout", "--", ".")
    run(place, "dvc", "checkout")
    logged = [one for one in runs(place) if "dvc.exp.name" in one.data.tags or one.data.tags["unroll.kind"] == "sweep"]
    sweeps = [one for one in logged if one.data.tags["unroll.kind"] == "sweep"]
    assert [one.data.tags["unroll.model"] for one in sweeps] == ["rate"]
    members = {one.data.tags["dvc.exp.name"]: one for one in logged if one.data.tags["unroll.kind"] == "experiment"}
    assert set(members) == {"rate-1", "rate-2", "rate-3"}
    assert {one.data.tags["mlflow.parentRunId"] for one in members.values()} == {sweeps[0].info.run_id}
    models = {one.data.tags["dvc.exp.name"]: one for one in logged if one.data.tags["unroll.kind"] == "model"}
    assert {name: one.info.status for name, one in models.items()} == {
        "rate-1": "FINISHED",
        "rate-2": "FINISHED",
        "rate-3": "KILLED",
    }
    assert len(models) == sum(one.data.tags["unroll.kind"] == "model" for one in logged)  # one run for each point
    assert models["rate-3"].data.tags["unroll.pruned"] == "true"
    for name, one in models.items():
        assert one.data.tags["mlflow.parentRunId"] == members[name].info.run_id
        assert float(one.data.params["training.learning_rate"]) == found[name]["params"][RATE]
    assert models["rate-1"].data.metrics["valid_perplexity"] == found["rate-1"]["value"]
