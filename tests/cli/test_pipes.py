"""Commands that end early: a closed pipe, a full disk, Ctrl-C."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import CTRL_C

START = f"{CTRL_C}; from unroll.cli import main; main()"
LINE = b"the students opened their books\n"


def start(workspace: Path, *arguments: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", START, *arguments], cwd=workspace, stdin=pipe, stdout=pipe, stderr=pipe
    )


@pytest.mark.parametrize("lines", [1, 5000])  # written at the end, and before
def test_a_closed_pipe_ends_the_command_without_a_message(workspace: Path, lines: int) -> None:
    (workspace / "piped.txt").write_bytes(LINE * lines)
    with start(workspace, "score", "trigram", "piped.txt", "--json") as process:
        assert process.stdout
        assert process.stderr
        if lines > 1:
            assert process.stdout.readline().startswith(b'{"text"')
        process.stdout.close()
        assert b"rror" not in process.stderr.read()
        assert process.wait() == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_one_sentence(workspace: Path) -> None:
    (workspace / "piped.txt").write_bytes(LINE)
    command = [sys.executable, "-c", START, "score", "trigram", "piped.txt"]
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(command, cwd=workspace, stdout=full, stderr=subprocess.PIPE, check=False)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == b"unroll: [Errno 28] No space left on device"
    assert b"Traceback" not in result.stderr


def test_ctrl_c_is_one_sentence(workspace: Path) -> None:
    with start(workspace, "score", "trigram", "-") as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(LINE * 2000)
        process.stdin.flush()
        assert process.stdout.readline()  # it has started, and waits for more input
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert (process.returncode, err) == (130, b"unroll: interrupted\n")
