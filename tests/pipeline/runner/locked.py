"""A DVC repository whose stages run as those of the product do: with a lock, atomic outputs and an end by signals."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML

from tests.pipeline.pipeline import ROOT, git
from tests.pipeline.runner import tiny

SCRIPT = '''"""python NAME.py: write NAME.txt from other files, after some seconds. The log has all that write."""
import os, pathlib, sys, time
from unroll.pipeline import stage
SECONDS, INPUTS = {seconds}, {inputs}
NAME = pathlib.Path(sys.argv[0]).stem


def note(what):
    with open("writes.log", "a") as log:
        log.write(f"{{what}} {{NAME}} {{os.getpid()}}\\n")


def main(params):
    note("begin")
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        note("write")
        time.sleep(0.02)
    if pathlib.Path(f"full-{{NAME}}").exists():
        pathlib.Path("/dev/full").write_text("no space")
    text = " ".join(pathlib.Path(f"{{one}}.txt").read_text().strip() for one in INPUTS)
    with stage.atomic_outputs(pathlib.Path(f"{{NAME}}.txt")) as (path,):
        path.write_text(f"{{NAME}}({{text}})\\n")
    note("end")


stage.run(main)
'''


STAGES = {"a": [], "b": ["a"], "c": ["a"], "d": [], "e": ["b", "c", "d"]}


class Event(NamedTuple):
    what: str
    name: str
    process: str


def make(place: Path, stages: Mapping[str, list[str]] = STAGES, seconds: float = 0.3) -> Path:
    """Make the repository; its stages take `seconds` besides the start of a process."""
    place.mkdir(parents=True)
    entries = {}
    for name, inputs in stages.items():
        (place / f"{name}.py").write_text(SCRIPT.format(seconds=seconds, inputs=inputs))
        entries[name] = {
            "cmd": f"exec {sys.executable} {name}.py",
            "deps": [f"{name}.py", *(f"{one}.txt" for one in inputs)],
            "outs": [f"{name}.txt"],
        }
    YAML().dump({"stages": entries}, place / "dvc.yaml")
    shutil.copyfile(ROOT / "params.yaml", place / "params.yaml")
    git(place, "init", "-q")
    tiny.dvc(place, "init", "-q")
    tiny.dvc(place, "config", "core.site_cache_dir", str(place / ".dvc" / "tmp" / "site"))
    git(place, "add", "-A")
    git(place, "commit", "-qm", "locked")
    return place


def events(place: Path) -> list[Event]:
    """What the stages have logged."""
    path = place / "writes.log"
    return [Event(*line.split()) for line in path.read_text().splitlines()] if path.exists() else []


def assert_no_stage_beside_itself(place: Path) -> None:
    """When a second process of a stage has begun to write, the first one never writes again."""
    order: dict[str, list[str]] = {}
    for event in events(place):
        processes = order.setdefault(event.name, [])
        if not processes or processes[-1] != event.process:
            assert event.process not in processes, f"two processes of {event.name} wrote at the same time"
            processes.append(event.process)


def forget(place: Path) -> None:
    """Remove all results, also from the cache, and the log."""
    tiny.forget(place)
    (place / "writes.log").unlink(missing_ok=True)
