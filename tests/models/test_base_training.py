"""A training resumes only from the checkpoint of one with the same settings."""

import copy
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests import toy
from unroll.models.base import training
from unroll.params.root import Root

ROOT = Path(__file__).parents[2]
VALUES = YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def folder(monkeypatch: pytest.MonkeyPatch, name: str, **changes: Any) -> Path:
    """The folder for checkpoints that the family of an entry is given."""
    given: list[Path] = []

    def fit(params: Any, data: Any, inputs: Any, log: Any) -> None:
        given.append(inputs.checkpoints)

    values = copy.deepcopy(VALUES)
    values["models"][name] |= changes
    monkeypatch.setattr(training.streams, "load", lambda _: toy.text())
    family: ModuleType = SimpleNamespace(fit=fit)  # type: ignore[assignment]
    monkeypatch.setattr(training, "family", lambda _: family)
    training.train(Root.model_validate(values), name, Path("checkpoints"), lambda *_, **__: None)
    return given[0]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("lstm", {"residual": True}),
        ("lstm", {"dropout": VALUES["models"]["lstm"]["dropout"] | {"weight_drop": 0.1}}),
        ("lstm", {"dropout": VALUES["models"]["lstm"]["dropout"] | {"variational": True}}),
        ("lstm", {"activation_regularization": {"ar": 1.0, "tar": 0.0}}),
        ("seq2seq", {"label_smoothing": 0.1}),
        ("seq2seq", {"teacher_forcing": {"first": 1.0, "last": 0.5}}),
    ],
)
def test_settings_that_do_not_change_the_network_change_the_folder(
    monkeypatch: pytest.MonkeyPatch, name: str, changes: dict[str, Any]
) -> None:
    before = folder(monkeypatch, name)
    assert before.parent == Path("checkpoints")
    assert folder(monkeypatch, name) == before
    assert folder(monkeypatch, name, **changes) != before
