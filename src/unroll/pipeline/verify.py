"""Compare outputs with dvc.lock. DVC itself trusts a read-only file without reading it."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from unroll.errors import UnrollError
from unroll.md5 import dvc_md5
from unroll.pipeline.lock import Lock


def verify(root: Path, lock: Lock, stages: Sequence[str]) -> Iterator[str]:
    """Hash the outputs of all stages again.

    Args:
        root: The root of the repository.
        lock: Its dvc.lock. DVC leaves stages in it that were removed; their outputs are not compared.
        stages: The names of its stages (`list_stages`).

    Yields:
        The lines to print.

    Raises:
        UnrollError: An output is missing or damaged, or a stage is not in dvc.lock.
    """
    removed = [name for name in lock.stages if name not in stages]
    present = lock.without(removed)
    if removed:
        unused = [path for path in lock.outs if path not in present.outs]
        deletable = f"; {', '.join(unused)} can be deleted" if unused else ""
        yield f"dvc.lock: params.yaml has no {', '.join(removed)} any more, so they are not compared{deletable}"
    if paths := damaged(root, present):
        raise UnrollError(f"{', '.join(paths)}: missing, or not as dvc.lock records; `dvc repro` makes them again")
    if missing := [name for name in stages if name not in lock.stages]:
        raise UnrollError(f"dvc.lock: has no results of {', '.join(missing)}; run `dvc repro`")
    yield f"{len(present.outs)} outputs match dvc.lock"


def list_stages(root: Path) -> Sequence[str]:
    """Return the names of the stages of dvc.yaml.

    Raises:
        UnrollError: DVC cannot read the pipeline; the sentence is that of DVC.
    """
    command = [sys.executable, "-m", "dvc", "stage", "list", "--name-only"]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if result.returncode:
        silent = f"`dvc stage list` failed without a message (exit code {result.returncode}); run `dvc doctor`"
        lines = result.stderr.strip().splitlines() or [silent]
        raise UnrollError(f"dvc.yaml: {lines[0].removeprefix('ERROR: ')}")
    return result.stdout.split()


def damaged(root: Path, lock: Lock) -> list[str]:
    """Return the outputs below `root` that are missing, or whose bytes differ from those of the lock."""
    return [path for path, md5 in lock.outs.items() if dvc_md5(root / path) != md5]
