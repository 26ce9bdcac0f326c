"""A DVC repository of tiny stages, which log when they begin and end."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML

from tests.pipeline.pipeline import environment, git
from unroll.pipeline import durations
from unroll.pipeline.runner.executors import this_machine
from unroll.pipeline.runner.repository import Repository
from unroll.pipeline.runner.resources import Resources
from unroll.pipeline.runner.run import repro

STAGE = '''"""python stage.py NAME SECONDS INPUT...: write NAME.txt. The file fail-NAME makes it fail."""
import ctypes, os, pathlib, signal, sys, time
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # as unroll.pipeline.stage
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
name, seconds, *inputs = sys.argv[1:]
def note(what):
    with open("log.txt", "a") as log:
        log.write(f"{what} {name} {os.getpid()} {os.environ.get('UNROLL_THREADS', '-')}\\n")
note("begin")
try:
    print(f"{name} says hello", flush=True)
    time.sleep(float(seconds))
    if pathlib.Path(f"fail-{name}").exists():
        sys.exit(f"{name}: fails")
    text = " ".join(pathlib.Path(f"{one}.txt").read_text().strip() for one in inputs)
    pathlib.Path(f"{name}.txt").write_text(f"{name}({text})\\n")
finally:
    note("end")
'''
STAGES = {"a": [], "b": ["a"], "c": ["a"], "d": [], "e": ["b", "c", "d"], "f": ["a"], "g": ["f", "d"]}
"""The stages with those that each one reads. Some of them are independent."""


class Event(NamedTuple):
    """A line of the log of the stages."""

    what: str
    name: str
    process: str
    threads: str


def make(place: Path, stages: Mapping[str, list[str]] = STAGES, seconds: float = 0.05) -> Path:
    """Make the repository; its stages take `seconds`, and depend on a param of their own."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "stage.py").write_text(STAGE)
    entries = {
        name: {
            "cmd": f"exec {sys.executable} stage.py {name} {seconds} {' '.join(inputs)}".strip(),
            "deps": ["stage.py", *(f"{one}.txt" for one in inputs)],
            "params": [name],
            "outs": [f"{name}.txt"],
        }
        for name, inputs in stages.items()
    }
    yaml = YAML()
    yaml.dump({"stages": entries}, place / "dvc.yaml")
    yaml.dump(dict.fromkeys(stages, 1), place / "params.yaml")
    git(place, "init", "-q")
    dvc(place, "init", "-q")
    dvc(place, "config", "core.site_cache_dir", str(place / ".dvc" / "tmp" / "site"))
    git(place, "add", "-A")
    git(place, "commit", "-qm", "tiny")
    return place


def dvc(place: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=place, env=environment(), check=True, capture_output=True, text=True).stdout


def dvc_fails(place: Path, *arguments: str) -> str:
    """What a command of DVC prints that must fail."""
    command = [sys.executable, "-m", "dvc", *arguments]
    result = subprocess.run(command, cwd=place, env=environment(), check=False, capture_output=True, text=True)
    assert result.returncode
    return result.stdout + result.stderr


def run(
    place: Path, jobs: int = 2, targets: tuple[str, ...] = (), memory: int = 2**40, known: Mapping[str, float] = {}
) -> Repository:
    """Run the stages in this process, whose working directory must be the repository."""
    assert Path.cwd() == place.resolve()
    repository = Repository(place)
    measured = durations.read(place) | {name: durations.Measured(1.0, int(size)) for name, size in known.items()}
    resources = Resources(jobs, memory, (), True, measured)
    with this_machine(jobs) as executor:
        repro(repository, repository.collect(targets), executor, resources)
    return repository


def events(place: Path) -> list[Event]:
    """What the stages have logged."""
    path = place / "log.txt"
    return [Event(*line.split()) for line in path.read_text().splitlines()] if path.exists() else []


def most_at_once(place: Path) -> int:
    """The largest number of stages that ran at the same time."""
    running = most = 0
    for event in events(place):
        running += 1 if event.what == "begin" else -1
        most = max(most, running)
    return most


def assert_no_stage_beside_itself(place: Path) -> None:
    """No stage began before an earlier process of it had ended. A process that was killed logs no end."""
    running: dict[str, str] = {}
    for event in events(place):
        if event.what == "end":
            del running[event.name]
        else:
            other = running.get(event.name)
            assert other is None or not Path(f"/proc/{other}").exists(), f"{event.name} ran twice at the same time"
            running[event.name] = event.process


def lock(place: Path) -> bytes:
    return (place / "dvc.lock").read_bytes()


def forget(place: Path) -> None:
    """Remove all results, also from the cache."""
    for path in [*place.glob("*.txt"), place / "dvc.lock"]:
        path.unlink(missing_ok=True)
    shutil.rmtree(place / ".dvc" / "cache")
