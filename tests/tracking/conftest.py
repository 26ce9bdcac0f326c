"""A folder for each test, with or without a store. No process logs in the background, unless a test asks for it."""

from pathlib import Path

import pytest

from tests.made_once import add_empty_store
from tests.tracking.workspace import ROOT, make_data


@pytest.fixture
def place(without_store: Path) -> Path:
    """A folder with an empty store."""
    add_empty_store(without_store)
    return without_store


@pytest.fixture
def without_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which no stage has run."""
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_STAGE", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("UNROLL_TRACKING", "later")
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    make_data(tmp_path)
    return tmp_path
