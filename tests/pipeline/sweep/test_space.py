"""The file of a sweep: every fault is one sentence that names the file and the key."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.pipeline import ROOT
from unroll.errors import UnrollError
from unroll.pipeline.sweep.space import Choice, load, paths_of

RATE, SIZES = "models.lstm.training.learning_rate", "models.lstm.embedding_size, models.lstm.hidden_size"
SPACE: dict[str, Any] = {
    "targets": ["evaluate@lstm"],
    "metric": {"file": "metrics/lstm.json", "key": "valid_perplexity", "direction": "minimize"},
    "sampler": {"kind": "tpe", "seed": 1, "startup_trials": 5},
    "pruner": {"kind": "median", "model": "lstm", "startup_trials": 3, "warmup_epochs": 1},
    "space": {
        RATE: {"kind": "float", "low": 0.001, "high": 0.1, "log": True, "step": None},
        SIZES: {"kind": "int", "low": 32, "high": 128, "log": False, "step": 32},
        "models.lstm.training.schedule": {"kind": "choice", "values": [{"kind": "constant"}, {"kind": "cosine"}]},
    },
}


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def changed(path: list[str], value: Any) -> dict[str, Any]:
    """The space with another value; `...` removes a key."""
    space = copy.deepcopy(SPACE)
    section = space
    for key in path[:-1]:
        section = section[key]
    if value is ...:
        del section[path[-1]]
    else:
        section[path[-1]] = value
    return space


def test_a_right_space_is_read(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(json.dumps(SPACE))
    space = load(file)
    assert [paths_of(key) for key in space.space] == [
        [RATE],
        ["models.lstm.embedding_size", "models.lstm.hidden_size"],
        ["models.lstm.training.schedule"],
    ]
    schedule = space.space["models.lstm.training.schedule"]
    assert isinstance(schedule, Choice)
    assert schedule.values[1] == {"kind": "cosine"}


def test_the_example_of_the_documentation_is_right(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")
    file = tmp_path / "rate.yaml"
    file.write_text(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0])
    assert len(load(file).space) == 3


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (["targets"], ..., "targets: missing; add it"),
        (["targets"], ["evaluate@lstn"], "targets: dvc.yaml has no stage evaluate@lstn; did you mean evaluate@lstm?"),
        (["targets"], ["-f"], "targets.0: string should match pattern"),
        (["metric", "file"], "metrics/lstn.json", "metric.file: no stage makes metrics/lstn.json; did you mean"),
        (["metric", "file"], "models/lstm", "metric.file: models/lstm is neither JSON nor CSV"),
        (["metric", "direction"], "down", "metric.direction: input should be 'minimize' or 'maximize', not 'down'"),
        (["metrics"], {}, "metrics: unknown key; did you mean metric?"),
        (["sampler", "kind"], "grid", "sampler.kind: there is no grid; choose one of random, tpe"),
        (["sampler", "seed"], "x", "sampler.seed: input should be a valid integer, not 'x'"),
        (["pruner", "model"], "lstn", "pruner.model: there is no lstn; did you mean lstm?"),
        (["pruner", "startup_trials"], 0, "pruner.startup_trials: input should be greater than or equal to 1, not 0"),
        (["space"], {}, "space: dictionary should have at least 1 item"),
        (["space", RATE, "kind"], "flot", f"space.{RATE}.kind: there is no flot; did you mean float?"),
        (["space", RATE, "low"], 1.0, f"space.{RATE}: low (1.0) is greater than high (0.1); exchange them"),
        (["space", RATE, "low"], "x", f"space.{RATE}.low: input should be a valid number, not 'x'"),
        (["space", RATE, "low"], 0.0, f"space.{RATE}: low (0.0) has no logarithm; give a low above 0, or log: false"),
        (["space", RATE, "step"], 0.1, f"space.{RATE}: log: true and a step exclude each other"),
        (["space", SIZES, "low"], 0, f"space.{SIZES}: models.lstm.embedding_size: input should be greater than"),
        (["space", SIZES, "step"], 1.5, f"space.{SIZES}.step: input should be a valid integer, not 1.5"),
        (
            ["space", "models.lstm.training.rate"],
            {"kind": "float", "low": 0.1, "high": 1.0, "log": False, "step": None},
            "space.models.lstm.training.rate: models.lstm.training has no key rate",
        ),
        (
            ["space", "models.lstm.hidden_size.x"],
            {"kind": "int", "low": 1, "high": 2, "log": False, "step": 1},
            "space.models.lstm.hidden_size.x: models.lstm.hidden_size has no keys in params.yaml; end the path there",
        ),
        (
            ["space", "models.lstm.hidden_size"],
            {"kind": "int", "low": 32, "high": 64, "log": False, "step": 1},
            "space.models.lstm.hidden_size: space.models.lstm.hidden_size sets it, too; remove one",
        ),
        (
            ["space", "models.lstm.training"],
            {"kind": "choice", "values": [1]},
            "space.models.lstm.training: models.lstm.training: input should be a valid dictionary",
        ),
        (
            ["space", "models.lstm.cell"],
            {"kind": "choice", "values": ["gru", "elman"]},
            "space.models.lstm.cell: models.lstm.cell: input should be",
        ),
        (
            ["space", "models.lstm.cell"],
            {"kind": "choice", "values": ["gru", "gru"]},
            "space.models.lstm.cell: two of the values are equal; remove one",
        ),
    ],
)
def test_a_fault_is_one_sentence(tmp_path: Path, path: list[str], value: Any, sentence: str) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(json.dumps(changed(path, value)))
    with pytest.raises(UnrollError) as error:
        load(file)
    assert str(error.value).startswith(f"{file}: {sentence}")
    assert "\n" not in str(error.value)


def test_values_that_are_right_together_only_are_no_fault(tmp_path: Path) -> None:
    """`tie_weights` needs equal sizes, so a change of one size alone is a fault that the sizes together do not have."""
    file = tmp_path / "space.yaml"
    space = changed(["space", SIZES, "high"], 96)
    file.write_text(json.dumps(space))
    assert load(file).space[SIZES].limits == [32, 96]


def test_hyperband_needs_ordered_epochs(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    pruner = {"kind": "hyperband", "model": "lstm", "min_epochs": 4, "max_epochs": 2, "reduction_factor": 3}
    file.write_text(json.dumps(changed(["pruner"], pruner)))
    with pytest.raises(UnrollError, match=r"pruner: min_epochs \(4\) is greater than max_epochs \(2\)"):
        load(file)


def test_a_missing_file_and_damaged_yaml_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(UnrollError, match="not found"):
        load(tmp_path / "none.yaml")
    file = tmp_path / "space.yaml"
    file.write_text("space: [")
    with pytest.raises(UnrollError, match="line"):
        load(file)
