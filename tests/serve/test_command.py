"""unroll serve: it says where it is, ends with Ctrl-C, and what it cannot do is one sentence."""

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
def taken() -> Iterator[int]:
    """A port that another program listens at."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


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
        (["bayes"], "models/bayes: does not serve; it can classify"),
        (["trigram", "bayes"], "models/bayes: does not serve; it can classify"),
        (["trigrm"], "models/trigrm: no model here; there are "),
        (["trigram", "models/trigram"], "serve: two models have the same name; give each once"),
    ],
)
def test_models_that_cannot_be_shown_are_named(unroll: Run, models: list[str], sentence: str) -> None:
    result = unroll("serve", *models)
    assert result.code == 1
    assert result.err.startswith(f"unroll: {sentence}")


def test_a_port_that_is_taken_is_named(unroll: Run, taken: int) -> None:
    result = unroll("serve", "trigram", "--port", str(taken))
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert result.err.startswith(f"unroll: serve: port {taken} cannot be had")
