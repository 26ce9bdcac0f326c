"""Make a run again in a work tree of its own, and compare every output with the hashes of the run."""

import re
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unroll.environment import RECORD, Environment, Record, describe
from unroll.errors import UnrollError
from unroll.md5 import dvc_md5
from unroll.pipeline.lock import Lock
from unroll.pipeline.numbers import Mismatch, compare_output
from unroll.pipeline.reproduction import differences, work_tree
from unroll.pipeline.results import Results
from unroll.pipeline.settings import enumerate_names
from unroll.provenance import snapshot

RESTORED = re.compile(r"^Stage '(.+)' is cached - skipping run")
"""What DVC prints when it takes the outputs of a stage from its cache."""
OF_THE_MACHINE = ("processor", "processor_kind", "instruction_sets", "system", "machine", "libc", "python")
"""The facts of an environment that do not depend on the settings of a stage."""


def reproduce(recorded: Path, folder: Path, force: bool) -> Iterator[str]:
    """Make a run again. The present folder is the root of a clone of its repository, which is not changed.

    Args:
        recorded: The snapshot of the run (`unroll.provenance.snapshot`).
        folder: The folder to make it in; it is made, or is empty.
        force: Whether every stage runs. Otherwise DVC restores what its cache has.

    Yields:
        The lines to print: the output of DVC while it runs, and then a line for each output.

    Raises:
        UnrollError: The run cannot be made again, or an output differs.
    """
    run = snapshot.read(recorded)
    if not run["outputs"]:
        raise UnrollError("the run has no outputs, since it did not end; choose a run that is finished")
    root, missing = work_tree.make(recorded, run, folder)
    changed = " with changes" if run["dirty"] else ""
    yield f"{folder}: work tree of commit {run['commit'][:12]}{changed}"
    yield from missing
    restored = yield from _run_dvc(root, run, force)
    result = Reproduction(recorded, root, run)
    if restored:
        stages = f"{len(restored & result.stages)} of {len(result.stages)} stages"
        yield f"DVC restored the outputs of {stages} from its cache; --force computes all of them again"
    yield from result.compare()


def _run_dvc(root: Path, run: Mapping[str, Any], force: bool) -> Generator[str, None, set[str]]:
    """Run `dvc repro`, yield the lines of its output, and return the stages that it restored from its cache."""
    stages = list(run["stages"])
    environment = work_tree.environment(next(iter(run["stages"].values()))["threads"])
    dvc = [sys.executable, "-m", "dvc"]
    if not force and _succeeds([*dvc, "config", "core.remote"], root, environment):
        fetch = ["fetch", "--quiet", "--run-cache", "--with-deps", *stages]
        if not _succeeds([*dvc, *fetch], root, environment):
            yield "the remote of DVC does not have all outputs, or cannot be reached; what is missing is computed"
    forced = ["--force", "--no-run-cache"] if force else []
    restored = set()
    with subprocess.Popen(
        [*dvc, "repro", *forced, *stages],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if match := RESTORED.match(line):
                restored.add(match[1])
            yield line.rstrip("\n")
    if process.returncode:
        raise UnrollError(
            f"`dvc repro {' '.join([*forced, *stages])}` failed in {root} (exit code {process.returncode}); "
            "its output above says why"
        )
    return restored


def _succeeds(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> bool:
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False).returncode == 0


class Reproduction:
    """A run that was made again."""

    def __init__(self, recorded: Path, root: Path, run: Mapping[str, Any]) -> None:
        """Read the hashes of the run, and those that DVC wrote.

        Args:
            recorded: The snapshot of the run.
            root: The root of the DVC repository with the new outputs.
            run: The content of run.json of the snapshot.
        """
        self.recorded, self.root, self.run = recorded, root, run
        self.made = Lock.parse((root / snapshot.LOCK).read_bytes(), snapshot.LOCK)
        """The dvc.lock after the reproduction."""
        self.stages = {name for path in run["outputs"] for name in self.made.upstream(path)}
        """The stages of the run, and all that they depend on."""

    def compare(self) -> Iterator[str]:
        """Compare every output of the stages with its hash.

        Yields:
            The lines to print. If the last one is reached, all outputs are equal.

        Raises:
            UnrollError: An output differs.
        """
        hashes = dict(self._upstream()) | self.run["outputs"]
        missing = [path for name in sorted(self.stages) for path in self.made.stages[name].outs if path not in hashes]
        differing = []
        for path, md5 in hashes.items():
            found = self.root / path
            equal = found.exists() and dvc_md5(found) == md5
            yield f"{'equal  ' if equal else 'differs'} {path}"
            differing += [] if equal else [path]
        if missing:
            yield f"not compared, since the run has no hash of them: {enumerate_names(missing)}"
        if not differing:
            yield f"all {len(hashes)} outputs have the same bytes as those of the run"
            return
        for path in differing:
            yield from self._numbers(path)
        if any(self.made.must_be_equal(path) for path in differing):
            yield "with `arithmetic: portable` on a CPU all bytes must be equal on all processors"
        else:
            yield "the arithmetic is native: other processors and numbers of threads round otherwise"
        yield from self._environment(differing)
        names = enumerate_names(differing)
        raise UnrollError(f"{len(differing)} of {len(hashes)} outputs differ from those of the run: {names}")

    def _upstream(self) -> Iterator[tuple[str, str]]:
        """Yield the path and the recorded hash of each output that the run has in its dvc.lock."""
        path = self.recorded / snapshot.LOCK
        stages = Lock.parse(path.read_bytes(), path.name).stages if path.is_file() else {}
        for name in self.made.stages:  # in the order of the pipeline
            if name in self.stages and name in stages:
                yield from stages[name].outs.items()

    def _numbers(self, path: str) -> Iterator[str]:
        """Say by how much the numbers of an output differ, if they were kept with the run."""
        there, here = self.recorded / path, self.root / path
        if here.suffix not in snapshot.METRICS or not there.is_file() or not here.is_file():
            return
        try:
            lines = list(differences.of_numbers(there.read_bytes(), here.read_bytes(), here.suffix))
        except ValueError as error:
            yield f"{path}: the numbers cannot be compared ({error})"
            return
        counted = "1 metric differs" if len(lines) == 1 else f"{len(lines) or 'no'} metrics differ"
        yield f"{path}: {counted}"
        yield from (f"  {line}" for line in lines)
        if lines and not self.made.must_be_equal(path) and self._is_within(path):
            yield "  all are within the tolerances of another kind of processor (docs/reproducibility.md)"

    def _is_within(self, path: str) -> bool:
        """Return whether the numbers of an output are within the tolerances between kinds of processors."""
        recorded = {**self.made.outs, path: dvc_md5(self.recorded / path)}  # the hash of the copy that is compared
        stages = self.made.stages.items()
        lock = Lock({name: replace(stage, outs={out: recorded[out] for out in stage.outs}) for name, stage in stages})
        one, other = (
            Results(name, lock, Record(), lambda name, folder=folder: _read(folder / name))  # type: ignore[misc]
            for name, lock, folder in (("run", lock, self.recorded), ("reproduction", self.made, self.root))
        )
        try:
            rows = compare_output(one, other, path)
        except Mismatch:
            return False
        return bool(rows) and all(row.is_within for row in rows)

    def _environment(self, differing: Sequence[str]) -> Iterator[str]:
        """Say what differs between the environments, or that nothing does."""
        lines = []
        record = Record.parse(_read(self.root / RECORD))
        differs = [name for name in self.run["stages"] if set(differing) & self.made.stages[name].outs.keys()]
        for name in differs or self.run["stages"]:  # the difference may come from a stage before them
            outs = {path: md5 for path, md5 in self.made.stages[name].outs.items() if path in differing}
            here = next(filter(None, (record.find(path, md5) for path, md5 in outs.items())), None)
            there = self.run["stages"][name].get("environment", {})
            lines += list(differences.of_environments(there, here or _machine()))
        packages, requirements = self.recorded / snapshot.PACKAGES, self.recorded / "requirements.lock"
        if packages.is_file() and requirements.is_file():
            names = packages.read_text(encoding="utf-8").splitlines()
            pins = requirements.read_text(encoding="utf-8")
            lines += list(differences.of_packages(names, snapshot.installed(), pins))
        if lines:
            yield "the environment differs:"
            yield from (f"  {line}" for line in dict.fromkeys(lines))
        else:
            yield "no difference between the environments is known"


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _machine() -> Environment:
    """Return what is known of the environment of a stage that did not run here."""
    return {name: value for name, value in describe().items() if name in OF_THE_MACHINE}
