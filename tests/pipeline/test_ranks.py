"""Stage train by several ranks: it starts them, or they are those of a launcher, and none outlives another one."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.pipeline.pipeline import copy_of_the_repository, environment, git, run, small, write_params, yaml
from unroll.training.ranks.launcher import RANK

pytestmark = pytest.mark.slow
STAGE = [sys.executable, "-m", "stages.train", "lstm"]
LAUNCHED = [sys.executable, "-m", "torch.distributed.run"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose stage `train lstm` can run, with two ranks."""
    place = copy_of_the_repository(tmp_path_factory.mktemp("ranks") / "copy")
    values = small(yaml.load((place / "params.yaml").read_text(encoding="utf-8")), place)
    values["models"]["lstm"]["training"] |= {"ranks": 2, "checkpoint_steps": 20, "epochs": 4}
    write_params(place, values)
    git(place, "init", "--quiet")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "small")
    run(place, "dvc", "repro", "partition@words")
    return place


@pytest.fixture(scope="module")
def expected(place: Path) -> dict[str, bytes]:
    """What the stage makes that starts the ranks itself."""
    finish(start(place))
    return take_results(place)


started: list["subprocess.Popen[str]"] = []


@pytest.fixture(autouse=True)
def _no_process_outlives_its_test() -> Iterator[None]:
    """A test that fails must not leave a stage to the next one, whose results it would write."""
    yield
    while started:
        process = started.pop()
        process.kill()
        process.communicate()


def start(place: Path, *command: str, **variables: str) -> "subprocess.Popen[str]":
    started.append(
        subprocess.Popen(
            [*(command or STAGE)], cwd=place, env=environment(**variables), stderr=subprocess.PIPE, text=True
        )
    )
    return started[-1]


def finish(process: "subprocess.Popen[str]", code: int = 0) -> str:
    errors = process.communicate(timeout=300)[1]
    assert process.returncode == code, errors
    return errors


def take_results(place: Path) -> dict[str, bytes]:
    """The outputs of the stage, which are removed."""
    files = [*sorted((place / "models/lstm").iterdir()), place / "metrics/train/lstm.csv"]
    contents = {file.name: file.read_bytes() for file in files}
    for file in files:
        file.unlink()
    return contents


def test_torchrun_gives_the_same_bytes(place: Path, expected: dict[str, bytes]) -> None:
    finish(start(place, *LAUNCHED, "--nproc-per-node", "2", *STAGE[1:]))
    assert take_results(place) == expected


def test_torchrun_on_two_nodes_gives_the_same_bytes(place: Path, expected: dict[str, bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    options = ["--nnodes", "2", "--nproc-per-node", "1", "--master-addr", "127.0.0.1", "--master-port", str(port)]
    for node in [start(place, *LAUNCHED, *options, "--node-rank", rank, *STAGE[1:]) for rank in ("0", "1")]:
        finish(node)
    assert take_results(place) == expected


def step(rank: int, ranks: int = 2) -> Mapping[str, str]:
    """The variables that SLURM's srun sets for a task on a node of its own."""
    job = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_ID": "0", "SLURM_STEP_NODELIST": "localhost"}
    return job | {"SLURM_STEP_NUM_TASKS": str(ranks), "SLURM_PROCID": str(rank), "SLURM_LOCALID": "0"}


def test_the_tasks_of_a_step_of_slurm_give_the_same_bytes(place: Path, expected: dict[str, bytes]) -> None:
    tasks = [start(place, **step(rank)) for rank in (1, 0)]
    messages = [finish(task) for task in tasks]
    assert take_results(place) == expected
    assert messages[0] == ""  # only rank 0 logs
    assert "valid_loss" in messages[1]


def test_a_launcher_with_another_number_of_processes_is_one_sentence(place: Path) -> None:
    sentence = "train lstm: training.ranks is 2, but the launcher started 3 processes; start 2 processes, or set "
    assert finish(start(place, **step(0, 3)), 1) == f"{sentence}training.ranks to 3\n"


def test_a_first_node_without_an_address_is_one_sentence(place: Path) -> None:
    messages = finish(start(place, **step(1) | {"SLURM_STEP_NODELIST": "nowhere.invalid"}), 1)
    assert "cannot meet at nowhere.invalid" in messages
    assert messages.count("\n") == 1


def at_step(number: int) -> Callable[["subprocess.Popen[str]"], None]:
    """Wait until the stage has logged a step that is not before `number`."""

    def wait(process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if "train_loss" in line and int(line.split("step ")[1].split(":")[0]) >= number:
                return
        raise AssertionError("the stage ended before")

    return wait


def at_start(process: "subprocess.Popen[str]") -> None:
    """Wait until the stage has started the other rank, which imports torch now."""
    while not others(process):
        time.sleep(0.01)
    time.sleep(0.3)


def others(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The ranks that a stage has started. Its other children, as git, have the command of the stage for a moment."""
    found = []
    for child in psutil.Process(process.pid).children():
        with suppress(psutil.Error):
            found += [child] if RANK in child.environ() else []
    return found


@pytest.mark.parametrize(
    ("wait", "number", "rank"),
    [
        (at_start, signal.SIGKILL, 1),
        (at_step(50), signal.SIGKILL, 0),
        (at_step(50), signal.SIGTERM, 0),
        (at_step(50), signal.SIGKILL, 1),
    ],
)
def test_no_rank_outlives_another_and_the_next_run_goes_on(
    wait: Callable[..., None], number: int, rank: int, place: Path, expected: dict[str, bytes]
) -> None:
    process = start(place)
    wait(process)
    (other,) = others(process)
    os.kill(other.pid if rank else process.pid, number)
    begin = time.monotonic()
    messages = process.communicate(timeout=60)[1].splitlines()
    gone, alive = psutil.wait_procs([other], timeout=30)
    assert gone
    assert not alive
    assert time.monotonic() - begin < 30
    if rank:
        assert process.returncode == 1
        (sentence,) = [line for line in messages if " step " not in line and "resuming" not in line]
        assert sentence.startswith("train lstm: rank 1 of 2 ended early (exit code ")
    else:
        assert process.returncode == (-number if number == signal.SIGKILL else 143)
    assert not (place / "models/lstm").exists() or not [*(place / "models/lstm").iterdir()]
    resumed = finish(start(place))
    assert ("resuming after" in resumed) == (wait is not at_start)
    assert take_results(place) == expected


def test_an_error_of_all_ranks_is_one_sentence(place: Path) -> None:
    """It is that of rank 0."""
    text = (place / "params.yaml").read_text(encoding="utf-8")
    values: dict[str, Any] = yaml.load(text)
    values["models"]["lstm"]["training"] |= {"learning_rate": 100.0, "clip": {"kind": "none"}}
    values["models"]["lstm"]["training"]["optimizer"] = {
        "kind": "sgd",
        "momentum": 0.9,
        "nesterov": True,
        "weight_decay": 9.0,
    }
    write_params(place, values)
    try:
        messages = finish(start(place), 1).splitlines()
    finally:
        (place / "params.yaml").write_text(text, encoding="utf-8")
    (sentence,) = [line for line in messages if " step " not in line or "not finite" in line]
    assert sentence.startswith("train lstm: the training loss is not finite at step ")
