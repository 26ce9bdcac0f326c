"""Several ranks train as one process does that accumulates their rows, also if one of them was killed."""

import json
import os
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from tests import toy
from tests.training.group import DATA, TRAINED, settings
from tests.training.test_device import LSTM
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs
from unroll.models.base.saved_params import with_omitted
from unroll.params.experiments import ModelParams
from unroll.params.training import Training, ranks_of
from unroll.training.ranks import join
from unroll.training.ranks.launcher import find_place, first_node
from unroll.training.ranks.process_group import ALONE, Group
from unroll.training.ranks.shard import Shard
from unroll.training.task import LanguageModelTask

ROOT = Path(__file__).parents[2]
TORCHRUN = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
TORCHRUN |= {"MASTER_ADDR": "first", "MASTER_PORT": "29500"}
STEP = {"SLURM_JOB_ID": "1001", "SLURM_STEP_ID": "2", "SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "4"}
STEP |= {"SLURM_STEP_NODELIST": "gpu[03-04]", "SLURM_PROCID": "3", "SLURM_LOCALID": "1"}
BATCH_SCRIPT = {"SLURM_JOB_ID": "1001", "SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}


def run(case: str, count: int, folder: Path, *names: str) -> None:
    command = [sys.executable, "-m", "tests.training.group", case, str(count), str(folder), *names]
    subprocess.run(command, cwd=ROOT, check=True)


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "count"),
    [
        *(("carried", 2), ("carried", 3), ("carried", 4), ("averaged", 2), ("pairs", 3), ("tagger", 3)),
        *(("labels", 3), ("adaptive", 4), ("stops", 2)),
    ],
)
def test_ranks_give_the_bits_of_one_process_that_accumulates(case: str, count: int, tmp_path: Path) -> None:
    run(case, count, tmp_path, "accumulated", "once", "again")
    once = results(tmp_path / "once/0")
    for name in ("once", "again"):
        for rank in range(count):
            assert results(tmp_path / name / str(rank)) == once, (name, rank)
    weights = "weights.safetensors"
    assert (tmp_path / "accumulated/0" / weights).read_bytes() == once[weights]
    ((losses, valid_losses),) = json.loads((tmp_path / "accumulated/0/rows.json").read_text())
    rows = json.loads(once["rows.json"])
    assert [values["valid_loss"] for _, values in rows if "valid_loss" in values] == valid_losses
    logged = {step: values["train_loss"] for step, values in rows if "train_loss" in values}
    means = [torch.tensor(losses[a:b]).double().mean().item() for a, b in pairwise([0, *logged])]
    assert [*logged.values()] == means
    if case == "stops":
        assert len(valid_losses) < TRAINED[case]["training"]["epochs"]
    if case in (
        "pairs",
        "tagger",
        "adaptive",
    ):  # a batch of the valid or the train split has fewer rows than there are ranks
        assert min(_rows(case)) < count


def _rows(case: str) -> list[int]:
    """The numbers of rows of the batches of both splits."""
    found: list[int] = []

    def record(task: Any, *_: Any) -> None:
        found.extend(len(batch[0]) for batch in [*task.train_batches(0), *task.valid_batches()])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unroll.training.fit.fit", record)
        params = settings(case, 1)
        data = DATA.get(params.family, toy.text)()
        models.family(params.family).fit(params, data, Inputs(), lambda *_, **__: None)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("case", ["carried", "averaged"])
def test_a_training_whose_ranks_were_killed_ends_with_the_same_bytes(case: str, tmp_path: Path) -> None:
    run(case, 2, tmp_path, "whole", "killed:0@7", "killed:1@26", "killed:1@45", "killed:0@55", "killed")
    for rank in ("0", "1"):
        assert results(tmp_path / "killed" / rank) == results(tmp_path / "whole" / rank)


@pytest.mark.slow
def test_ranks_that_train_on_other_data_are_refused(tmp_path: Path) -> None:
    """Their files differ, for example because they are copies: each rank would train another network."""
    script = "import sys; from tests.training import group; group.train_on_other_data(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines() == 2 * ["UnrollError"], done.stderr
    assert done.stderr.count("the ranks of the training differ in their code, libraries, settings, data, device") == 2


@pytest.fixture
def no_launcher(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [*TORCHRUN, *STEP]:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_process_takes_its_place_from_torchrun(no_launcher: pytest.MonkeyPatch) -> None:
    assert find_place(4) is None
    for name, value in TORCHRUN.items():
        no_launcher.setenv(name, value)
    place = find_place(4)
    assert place is not None
    assert (place.rank, place.size, place.local_rank, place.sharing, place.address) == (3, 4, 1, 2, "env://")
    assert find_place(1) is None
    with pytest.raises(UnrollError, match=r"training\.ranks is 3, but the launcher started 4 processes; start 3"):
        find_place(3)
    no_launcher.setenv("WORLD_SIZE", "1")  # rank 0 starts the others then
    assert find_place(4) is None


def test_a_process_takes_its_place_from_a_step_of_slurm(no_launcher: pytest.MonkeyPatch) -> None:
    for name, value in STEP.items():
        no_launcher.setenv(name, value)
    place = find_place(4)
    assert place is not None
    port = 15_000 + (17 * 1001 + 2) % 15_000
    assert (place.rank, place.size, place.local_rank, place.address) == (3, 4, 1, f"tcp://gpu03:{port}")
    no_launcher.setenv("MASTER_ADDR", "10.0.0.1")
    no_launcher.setenv("MASTER_PORT", "9")
    place = find_place(4)
    assert place is not None
    assert place.address == "tcp://10.0.0.1:9"
    assert find_place(1) is None


def test_a_batch_script_of_slurm_is_no_rank(no_launcher: pytest.MonkeyPatch) -> None:
    for name, value in BATCH_SCRIPT.items():
        no_launcher.setenv(name, value)
    assert find_place(4) is None


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("gpu1", "gpu1"),
        ("gpu1,gpu2", "gpu1"),
        ("gpu[03-05,09],cpu1", "gpu03"),
        ("a-[7,9]", "a-7"),
        ("n[1-2]-x", "n1-x"),
    ],
)
def test_the_first_node_of_a_list(nodes: str, first: str) -> None:
    assert first_node(nodes) == first


def test_more_ranks_than_rows_are_refused() -> None:
    with pytest.raises(ValidationError, match="ranks: 17 exceed the 16 rows of a batch; lower ranks or raise"):
        Training.model_validate(toy.TRAINING | {"ranks": 17})


def test_ranks_without_a_stage_are_refused() -> None:
    params = TypeAdapter(ModelParams).validate_python(LSTM | {"training": toy.TRAINING | {"ranks": 2}})
    with pytest.raises(UnrollError, match=r"training\.ranks is 2, but 1 of the ranks are here; train by a stage"):
        models.family(params.family).fit(params, toy.text(), Inputs(), lambda *_, **__: None)


def test_settings_of_one_rank_are_saved_as_by_earlier_releases() -> None:
    params = TypeAdapter(ModelParams).validate_python(LSTM)
    assert ranks_of(params) == 1
    saved = params.model_dump()
    assert "ranks" not in saved["training"]
    assert TypeAdapter(ModelParams).validate_python(with_omitted(saved)) == params
    several = TypeAdapter(ModelParams).validate_python(LSTM | {"training": LSTM["training"] | {"ranks": 2}})
    assert ranks_of(several) == 2
    assert several.model_dump()["training"]["ranks"] == 2
    assert TypeAdapter(ModelParams).validate_python(with_omitted(several.model_dump())) == several


def test_a_process_that_waits_for_a_dead_rank_in_a_library_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(join, "GRACE", 0)
    monkeypatch.setattr(os, "_exit", codes.append)
    others = [subprocess.Popen([sys.executable, "-c", f"exit({code})"]) for code in (0, 3)]
    for other in others:
        other.wait()
    join._watch(others, threading.Event())
    assert codes == [1]
    assert "rank 2 of 3 ended early (exit code 3); if it printed no error, it was killed" in caplog.text
    finished = threading.Event()
    finished.set()
    join._watch(others[:1], finished)
    assert codes == [1]


def test_one_rank_has_the_seeds_of_dropout_of_earlier_releases() -> None:
    assert ALONE.seed(3, 5) == (3 << 31) + 5
    seeds = {Group(rank, 3).seed(seed, batch) for rank in range(3) for seed in range(4) for batch in range(5)}
    assert len(seeds) == 3 * 4 * 5


def test_the_ranks_share_all_rows_of_each_batch() -> None:
    network: Any = torch.nn.Linear(1, 1)
    task = LanguageModelTask(network, "shuffled", 5, toy.text())
    shards = [[*Shard(task, Group(rank, 3)).train_batches(0)] for rank in range(3)]
    for whole, *parts in zip(task.train_batches(0), *shards, strict=True):
        for column, *pieces in zip(whole, *parts, strict=True):
            rebuilt = torch.empty_like(column)
            for rank, piece in enumerate(pieces):
                rebuilt[rank::3] = piece
            assert torch.equal(rebuilt, column)
