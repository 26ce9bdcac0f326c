"""The verb `ui` starts MLflow on this machine only, on the store of the repository."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.trained import Run
from unroll.tracking import store


@pytest.mark.slow
def test_the_server_shows_the_store_to_this_machine_only(
    unroll: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, started = tmp_path / "a é%41 #b", []

    def execve(program: str, command: list[str], environment: dict[str, str]) -> None:
        started.append((command, environment))

    monkeypatch.setenv("DVC_ROOT", str(place))
    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", "sqlite:///elsewhere.db")
    monkeypatch.setattr(os, "execve", execve)
    assert unroll("ui", "--port", "5050").code == 0
    [(command, environment)] = started
    options: dict[str, Any] = dict(zip(command[4::2], command[5::2], strict=True))
    assert options["--backend-store-uri"] == store.address(place / "mlruns" / "mlflow.db")
    assert (options["--host"], options["--port"]) == ("127.0.0.1", "5050")
    assert options["--allowed-hosts"] == "localhost:5050,127.0.0.1:5050"
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert "MLFLOW_BACKEND_STORE_URI" not in environment
    assert (place / "mlruns" / "mlflow.db").exists()
