"""stages/run finds the interpreter of a stage, and becomes it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.closure import ROOT

SCRIPT = '#!/bin/sh\nif [ "$1" = -c ]; then exit {imports}; fi\necho "{name} $* $$"\n'


def make(folder: Path, name: str, imports: bool = False) -> None:
    """Make a program `python` that prints its name, its arguments and the number of its process."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "python").write_text(SCRIPT.format(name=name, imports=0 if imports else 1), encoding="utf-8")
    (folder / "python").chmod(0o755)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A copy of the repository with a space in its name, and without an environment."""
    place = tmp_path / "a copy"
    (place / "stages").mkdir(parents=True)
    shutil.copy(ROOT / "stages" / "run", place / "stages" / "run")
    return place


def stage(place: Path, *path: Path, **variables: str) -> tuple[int, str, bool]:
    """The exit code, the output without the number of the process, and whether it is that of the shell."""
    environment = {"PATH": os.pathsep.join(map(str, path))} | variables
    process = subprocess.Popen(
        ["/bin/sh", "stages/run", "train", "lstm"],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output, _ = process.communicate(timeout=20)
    text, _, number = output.strip().rpartition(" ")
    return process.returncode, text, number == str(process.pid)


def test_the_activated_environment_comes_first(place: Path) -> None:
    activated = place.parent / "activated" / "bin"
    make(activated, "activated")
    (activated / "unroll").touch()
    make(place / ".venv" / "bin", "own")
    assert stage(place, activated) == (0, "activated -m stages.train lstm", True)


def test_a_python_without_unroll_is_not_taken(place: Path) -> None:
    make(place.parent / "system", "system")
    make(place / ".venv" / "bin", "own")
    assert stage(place, place.parent / "system") == (0, "own -m stages.train lstm", True)


def test_without_a_python_it_is_that_of_the_repository_also_for_a_copy_of_it(place: Path) -> None:
    empty, repository = place.parent / "empty", place.parent / "the repository"
    empty.mkdir()
    make(repository / ".venv" / "bin", "original")
    assert stage(place, empty, DVC_ROOT=str(repository)) == (0, "original -m stages.train lstm", True)


def test_a_python_that_imports_unroll_is_taken_without_the_program(place: Path) -> None:
    make(place.parent / "system", "system", imports=True)
    assert stage(place, place.parent / "system") == (0, "system -m stages.train lstm", True)


@pytest.mark.parametrize("python", [False, True])
def test_without_an_interpreter_it_says_what_to_do(place: Path, python: bool) -> None:
    system = place.parent / "system"
    system.mkdir()
    if python:
        make(system, "system")
    code, text, _ = stage(place, system)
    assert code == 1
    assert text.startswith("train lstm: no Python with unroll was found; run `make .venv/.complete`, or activate")


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_refuses_an_environment_of_another_folder(tmp_path: Path) -> None:
    def make_target(target: str) -> tuple[int, str]:
        command = ["make", "--dry-run", target]
        result = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr

    place = tmp_path / "a é%41 #b (c),d"
    (place / ".venv").mkdir(parents=True)
    for name in ("requirements.lock", "pyproject.toml", "Makefile"):
        shutil.copy2(ROOT / name, place / name)
    marker = place / ".venv" / ".complete"
    for path in ("", f"{place}\n"):  # that of an earlier release is empty
        marker.write_text(path, encoding="utf-8")
        code, output = make_target("repro")
        assert code == 0, output
        assert "-m venv" not in output
    marker.write_text("/somewhere else\n", encoding="utf-8")
    code, output = make_target("repro")
    assert code == 2
    assert ".venv was made in /somewhere else and does not work here; remove it (rm -r .venv) and run make" in output
    assert make_target("help")[0] == 0
