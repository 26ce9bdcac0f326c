"""The device of a training is that of params.yaml, and one process trains whatever a scheduler says."""

import os
from typing import Any

import pytest
import torch

from tests import toy
from unroll import models
from unroll.errors import UnrollError
from unroll.models.base.inputs import Inputs
from unroll.models.hmm.params import HmmParams
from unroll.models.recurrent.params import RecurrentParams
from unroll.training.device import deterministic, torch_device

LSTM = {
    "family": "recurrent",
    "tokenizer": "toy",
    "cell": "lstm",
    "embedding_size": 8,
    "hidden_size": 8,
    "layers": 1,
    "tie_weights": True,
    "batching": "contiguous",
    "softmax": toy.SOFTMAX,
    "training": toy.TRAINING | {"epochs": 1, "patience": 1},
    **toy.RECURRENT,
}
HMM = {
    "family": "hmm",
    "tokenizer": "toy",
    "states": 3,
    "pseudo_count": 0.01,
    "restarts": 2,
    "restart_tokens": 500,
    "restart_iterations": 2,
    "iterations": 3,
    "tolerance": 0.0,
}
LAUNCHERS = {
    "slurm": {"SLURM_NTASKS": "2", "SLURM_PROCID": "1", "SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "train"},
    "salloc": {"SLURM_NTASKS": "2", "SLURM_JOB_NAME": "bash"},
    "torchrun": {
        "RANK": "1",
        "LOCAL_RANK": "1",
        "GROUP_RANK": "1",
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "nowhere",
        "MASTER_PORT": "1",
        "TORCHELASTIC_RUN_ID": "x",
    },
    "lsf": {"LSB_JOBID": "1", "LSB_DJOB_RANKFILE": "x", "JSM_NAMESPACE_LOCAL_RANK": "1", "JSM_NAMESPACE_SIZE": "2"},
    "lightning": {"PL_TRAINER_LIMIT_TRAIN_BATCHES": "1", "PL_TRAINER_MAX_STEPS": "2"},
}


def train(device: str = "cpu", **changes: Any) -> dict[str, torch.Tensor]:
    """The weights of a small LSTM."""
    params, inputs = RecurrentParams.model_validate(LSTM | changes), Inputs(device=device)
    network = models.family("recurrent").fit(params, toy.text(), inputs, lambda *_, **__: None).network
    return dict(network.state_dict())


def train_hmm(device: str = "cpu") -> Any:
    params, inputs = HmmParams.model_validate(HMM), Inputs(device=device)
    return models.family("hmm").fit(params, toy.text(), inputs, lambda *_, **__: None)


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def expected() -> dict[str, torch.Tensor]:
    return train()


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_scheduler_changes_nothing(
    launcher: str, expected: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in LAUNCHERS[launcher].items():
        monkeypatch.setenv(name, value)
    assert equal(train(), expected)
    assert {name: os.environ.get(name) for name in LAUNCHERS[launcher]} == LAUNCHERS[launcher]


@pytest.mark.slow
@pytest.mark.skipif(
    torch.version.cuda is not None and not torch.cuda.is_available(),
    reason="a CUDA build of torch raises an error without a driver once it is told that there is a GPU",
)
def test_a_gpu_that_params_do_not_name_is_not_used(
    expected: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an NVIDIA GPU nor that of Apple: with `auto`, Lightning would take the one that it finds."""
    hmm = train_hmm()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert equal(train(), expected)
    again = train_hmm()
    assert (again.transition == hmm.transition).all()
    assert (again.emission == hmm.emission).all()


def test_a_gpu_that_is_missing_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for fit in (train, train_hmm, torch_device):
        with pytest.raises(
            UnrollError, match=r"params\.yaml: device is cuda, but torch finds no GPU; write device: cpu"
        ):
            fit("cuda")


def test_half_precision_needs_the_gpu() -> None:
    with pytest.raises(UnrollError, match=r"training\.precision: 16 needs a GPU"):
        train(training=LSTM["training"] | {"precision": 16})


def test_a_gpu_is_deterministic_for_the_time_of_the_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # and removed again after the test
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        with deterministic(torch.device("cpu")):
            assert not torch.are_deterministic_algorithms_enabled()
            assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
        with deterministic(torch.device("cuda")):
            assert torch.are_deterministic_algorithms_enabled()
            assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(before)
