"""Sweeps under the real DVC, with a stage that computes a formula in place of a training."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.pipeline.pipeline import git, run
from tests.pipeline.sweep.repository import (
    SPACE,
    control,
    experiments,
    make_repository,
    rows,
    start,
    starts,
    sweep,
    write_space,
)

pytest.importorskip("optuna", reason="the extra `search` is not installed")
pytestmark = pytest.mark.slow
RATE = "models.lstm.training.learning_rate"
FOLDER = Path(".dvc/tmp/sweeps/rate")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("sweep") / "a repository")


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "a copy", symlinks=True)
    return tmp_path / "a copy"


@pytest.fixture(scope="module")
def undisturbed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a finished sweep of three trials."""
    place = tmp_path_factory.mktemp("undisturbed") / "a copy"
    shutil.copytree(made, place, symlinks=True)
    sweep(place, "--trials", "3")
    return place


def wait_until(condition: Callable[[], bool], head: "subprocess.Popen[bytes] | None" = None) -> None:
    """Wait for a condition, at most for 120 seconds, and at most while the head of a sweep lives."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        assert head is None or head.poll() is None
        time.sleep(0.05)


def results(place: Path) -> dict[str, tuple[str, float, object]]:
    """The state, the value and the params of each trial of a sweep that has ended."""
    found = rows(place, "--trials", "1")
    return {name: (row["state"], row["value"], row["params"]) for name, row in found.items()}


def trees(place: Path) -> dict[str, str]:
    """The hash of all files that git tracks, for each experiment."""
    return {name: git(place, "rev-parse", f"{commit}^{{tree}}").strip() for name, commit in experiments(place).items()}


def points(place: Path) -> list[psutil.Process]:
    """The processes of the points and their stages."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(place / ".dvc") in process.cwd():
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_points_are_experiments_that_dvc_shows_and_applies(undisturbed: Path) -> None:
    assert git(undisturbed, "status", "--porcelain") == ""  # the work tree of the user is not touched
    found = results(undisturbed)
    assert set(found) == set(experiments(undisturbed)) == {"rate-1", "rate-2", "rate-3"}
    changed = git(undisturbed, "diff", "--name-only", "HEAD", experiments(undisturbed)["rate-1"]).split()
    assert changed == ["dvc.lock", "metrics/lstm.json", "metrics/train/lstm.csv", "params.yaml"]
    table = run(undisturbed, "dvc", "exp", "show", "--csv")
    assert all(f"{name}," in table for name in found)
    best = min(found, key=lambda name: found[name][1])
    output = sweep(undisturbed, "--trials", "3")
    assert f"next: dvc exp apply {best}" in output
    assert "3 finished, 0 pruned, 0 failed" in output
    run(undisturbed, "dvc", "exp", "apply", best)
    assert json.loads((undisturbed / "metrics/lstm.json").read_text())["loss"]["valid"] == found[best][1]
    assert "Data and pipelines are up to date" in run(undisturbed, "dvc", "status")
    git(undisturbed, "checkout", "--", ".")
    run(undisturbed, "dvc", "checkout")
    assert len(starts(undisturbed)) == 3
    assert not (undisturbed / FOLDER / "points").exists()


def test_several_points_at_once_give_the_same_bytes(undisturbed: Path, place: Path) -> None:
    sweep(place, "--trials", "1")
    git(place, "commit", "--quiet", "--allow-empty", "--message", "later")  # all points begin from the same commit
    sweep(place, "--trials", "3", "-j", "2")
    assert results(place) == results(undisturbed)
    assert trees(place) == trees(undisturbed)


def test_points_begin_from_the_changes_of_the_work_tree(place: Path) -> None:
    (place / "fake.py").write_text((place / "fake.py").read_text().replace("+ 1 / epoch", "+ 10 / epoch"))
    before = git(place, "diff")
    sweep(place, "--trials", "1")
    assert git(place, "diff") == before
    assert "10 / epoch" in git(place, "show", f"{experiments(place)['rate-1']}:fake.py")
    assert results(place)["rate-1"][1] > 5  # the loss of two epochs is 10 / 2 and more


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_killed_sweep_goes_on(undisturbed: Path, place: Path, jobs: str) -> None:
    control(place, seconds=2.0)
    head = start(place, "--trials", "3", "-j", jobs)
    wait_until(lambda: len(starts(place)) == 2, head)
    running = points(place)
    head.kill()
    head.wait()
    wait_until(lambda: not any(process.is_running() for process in running))  # no orphan goes on
    ended = set(experiments(place))
    control(place)
    sweep(place, "--trials", "3", "-j", jobs)
    assert results(place) == results(undisturbed)
    assert trees(place) == trees(undisturbed)
    for name in experiments(place):
        assert starts(place).count(name) == (1 if name in ended else 2 if name in starts(place)[:2] else 1)


def test_points_that_are_killed_run_again_once(undisturbed: Path, place: Path) -> None:
    control(place, killed_once=["rate-2"], seconds=1.0)
    head = start(place, "--trials", "3")
    wait_until(lambda: "rate-3" in starts(place), head)
    point = next(one for one in points(place) if "unroll.pipeline.sweep.point" in one.cmdline())
    stages = point.children(recursive=True)
    point.kill()
    wait_until(lambda: not any(stage.is_running() and stage.status() != "zombie" for stage in stages))
    assert head.wait() == 0
    assert starts(place) == ["rate-1", "rate-2", "rate-2", "rate-3", "rate-3"]
    assert results(place) == results(undisturbed)
    assert trees(place) == trees(undisturbed)


def test_a_point_that_fails_does_not_end_the_sweep(place: Path) -> None:
    control(place, fail=["rate-1"])
    output = sweep(place, "--trials", "2")
    assert "rate-1: failed: train lstm: the loss is nan; lower training.learning_rate" in output
    assert "1 finished, 0 pruned, 1 failed" in output
    assert set(experiments(place)) == {"rate-2"}
    assert len(starts(place)) == 2
    sweep(place, "--trials", "2")
    assert len(starts(place)) == 2  # a failed point does not run again


def test_a_sweep_whose_points_all_fail_has_an_exit_code(place: Path) -> None:
    control(place, fail=["rate-1", "rate-2"])
    output = sweep(place, "--trials", "2", code=1)
    assert "unroll: all 2 trials failed, the first one because: train lstm: the loss is nan" in output


def test_a_full_disk_ends_the_sweep_with_a_sentence(place: Path) -> None:
    (place / FOLDER / "logs").mkdir(parents=True)
    (place / FOLDER / "logs" / "1.log").symlink_to("/dev/full")
    output = sweep(place, "--trials", "2", code=1)
    assert "rate-1: cannot run (OSError: " in output
    (place / FOLDER / "logs" / "1.log").unlink()
    assert "2 finished, 0 pruned, 0 failed" in sweep(place, "--trials", "2")


def test_a_wrong_metric_is_a_sentence(place: Path) -> None:
    write_space(place, SPACE | {"metric": SPACE["metric"] | {"key": "loss.test"}})
    assert "metrics/lstm.json: loss.test is None and no finite number; correct" in sweep(place, "--trials", "1", code=1)


def test_two_sweeps_of_one_name_exclude_each_other(place: Path) -> None:
    control(place, seconds=20.0)
    head = start(place, "--trials", "1")
    wait_until(lambda: bool(starts(place)), head)
    try:
        output = sweep(place, "--trials", "1", code=1)
        assert "another process runs the sweep rate; wait for its end, or give another --name" in output
    finally:
        head.send_signal(signal.SIGINT)
    assert head.wait() == 130
    assert points(place) == []
    control(place)
    sweep(place, "--trials", "1")
    assert starts(place) == ["rate-1", "rate-1"]


def test_a_name_is_taken_once(undisturbed: Path, place: Path) -> None:
    write_space(undisturbed, SPACE | {"sampler": {"kind": "random", "seed": 2}})
    try:
        assert "the sweep rate began with another space" in sweep(undisturbed, "--trials", "9", code=1)
    finally:
        write_space(undisturbed, SPACE)
    run(place, "dvc", "exp", "run", "--quiet", "--name", "rate-7", "-S", f"{RATE}=0.5", "train@lstm")
    assert "DVC has experiments of this name, such as rate-7" in sweep(place, "--trials", "1", code=1)
    assert "is not a name for experiments" in sweep(place, "--trials", "1", "--name", "a/b", code=1)


def test_bad_trainings_are_pruned_while_they_run(place: Path) -> None:
    control(place, journal=True)
    pruner = {"kind": "median", "model": "lstm", "startup_trials": 3, "warmup_epochs": 0}
    write_space(place, SPACE | {"pruner": pruner})
    sweep(place, "--trials", "3")
    control(place, journal=True, seconds=60.0)
    begin = time.monotonic()
    output = sweep(place, "--trials", "4")
    assert "3 finished, 1 pruned, 0 failed" in output  # rate-4 is the worst of the first four
    assert time.monotonic() - begin < 50  # it has two epochs of 30 seconds
    journal = max((place / "mlruns/outbox/local").iterdir())
    assert {path.name for path in journal.iterdir()} >= {"pruned", "replaced"}
    assert "rate-4" not in experiments(place)


def test_a_pruned_point_that_has_ended_is_pruned_nevertheless(place: Path) -> None:
    """Whether the head sees a loss in time must not change the search."""
    pruner = {"kind": "median", "model": "lstm", "startup_trials": 3, "warmup_epochs": 0}
    write_space(place, SPACE | {"pruner": pruner})
    assert "3 finished, 1 pruned, 0 failed" in sweep(place, "--trials", "4")


def test_the_sweep_needs_optuna(place: Path, tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "optuna.py").write_text("raise ImportError")
    output = run(place, "unroll", "sweep", "rate.yaml", "--trials", "1", code=1, PYTHONPATH=str(tmp_path / "hidden"))
    assert "a sweep needs Optuna; pip install 'unroll[search]'" in output
