"""Programs in processes that are forked from one that has imported them. The imports take most of a short command.

A stage records the command line of the `dvc` that runs it, and a forked process has another one. So only commands that
run no stage are forked. On other systems than Linux, a fork after the imports of some libraries fails.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver") if sys.platform == "linux" else None
if CONTEXT is not None:
    CONTEXT.set_forkserver_preload(["tests.pipeline.preloaded"])
RUNS_STAGES = {"repro", "exp", "queue"}


def can_be_forked(command: Sequence[str]) -> bool:
    """Whether a command is one of the programs, and runs no stage."""
    if CONTEXT is None or command[0] not in ("dvc", "unroll"):
        return False
    return command[0] == "unroll" or "--dry" in command or command[1] not in RUNS_STAGES


def run_forked(place: Path, command: Sequence[str], variables: Mapping[str, str]) -> tuple[int, str]:
    """Run a program in `place`; its exit code and its whole output."""
    assert CONTEXT is not None
    with tempfile.NamedTemporaryFile() as output:
        process = CONTEXT.Process(target=_run, args=(str(place), [*command], {**variables}, output.name))
        process.start()
        process.join()
        text = Path(output.name).read_text(encoding="utf-8", errors="replace")
        code = process.exitcode
        process.close()
    assert code is not None
    return code, text


def _run(place: str, command: list[str], variables: dict[str, str], output: str) -> None:
    os.chdir(place)
    os.environ.clear()
    os.environ.update(variables)
    descriptor = os.open(output, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.argv = command
    if command[0] == "dvc":
        from dvc.cli import main as dvc

        sys.exit(dvc(command[1:]))
    from unroll.cli import main as unroll

    unroll()
