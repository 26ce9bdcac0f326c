"""`unroll serve`: it prints its address and ends with Ctrl-C, and its errors are one sentence."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import CTRL_C
from tests.trained import Run

START = f"{CTRL_C}; from unroll.cli import main; main()"


@pytest.fixture
def used_port() -> Iterator[int]:
    """A port on which another program listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.slow
def test_ctrl_c_ends_it_without_a_traceback(workspace: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", START, "serve", "trigram", "--port", str(port)]
    with subprocess.Popen(command, cwd=workspace, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stderr.readline() == f"http://127.0.0.1:{port} (Ctrl-C ends it)\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() in ("", "unroll: interrupted\n")
        assert process.wait() in (0, 130)


@pytest.mark.parametrize(
    ("models", "sentence"),
    [
        (["bayes"], "models/bayes: does not serve; it supports: classify"),
        (["trigram", "bayes"], "models/bayes: does not serve; it supports: classify"),
        (["trigrm"], "models/trigrm: no model here; there are "),
        (["trigram", "models/trigram"], "serve: two models have the same name; name each model once"),
    ],
)
def test_the_error_names_unsupported_models(unroll: Run, models: list[str], sentence: str) -> None:
    result = unroll("serve", *models)
    assert result.code == 1
    assert result.err.startswith(f"unroll: {sentence}")


def test_the_error_names_a_port_in_use(unroll: Run, used_port: int) -> None:
    result = unroll("serve", "trigram", "--port", str(used_port))
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert result.err.startswith(f"unroll: serve: port {used_port} is not available")
