"""Everything that is needed to make a run again, in a folder: `unroll reproduce` reads it.

A stage takes a snapshot when it starts, and completes it when its outputs are published. The folder contains:

- `run.json`: the commit, the stages with their commands and environments, and the hashes of their outputs;
- `changes.patch`: the changes of the work tree since that commit, empty without changes;
- `params.yaml`, `dvc.lock` and `requirements.lock`;
- `packages.txt`: the exact versions of all installed packages;
- `metrics/`: copies of the outputs below `metrics/`.
"""

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import psutil

from unroll.environment import describe
from unroll.errors import UnrollError
from unroll.md5 import dvc_md5
from unroll.provenance import changes

RUN, PATCH, PACKAGES, LOCK = "run.json", "changes.patch", "packages.txt", "dvc.lock"
COPIED = ("params.yaml", LOCK, "requirements.lock")
"""Files of the repository that a snapshot has."""
FORMAT = 1
"""The number of the format of run.json."""
METRICS = {".json", ".csv"}
MAX_METRICS = 10_000_000
"""The largest file below `metrics/` that is copied, in bytes."""


def take(folder: Path, *arguments: str) -> None:
    """Write what this process starts from. The present folder is the root of the DVC repository, or a copy of it.

    Args:
        folder: The folder of the snapshot.
        arguments: The name of the stage and its key, by default those of this process. A snapshot that is taken later,
            for outputs that DVC restored, names them.
    """
    words = arguments or (Path(sys.argv[0]).stem, *(word for word in sys.argv[1:] if not word.startswith("-")))
    root = Path.cwd()
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        if (root / name).is_file():
            shutil.copyfile(root / name, folder / name)
    found = changes.find(root)
    (folder / PATCH).write_bytes(found.patch)
    threads = os.environ.get("UNROLL_THREADS", "")
    stage = {
        "command": shlex.join(["exec", "sh", "stages/run", *words]),
        "user_command": _user_command(),
        "python": platform.python_version(),
        "threads": int(threads) if threads.isdecimal() else None,
    }
    values = {
        "format": FORMAT,
        "commit": found.commit,
        "no_commit_because": found.reason,
        "folder": found.folder,
        "dirty": bool(found.patch or found.left_out),
        "left_out": [asdict(entry) for entry in found.left_out],
        "experiment": os.environ.get("DVC_EXP_NAME"),
        "baseline": os.environ.get("DVC_EXP_BASELINE_REV"),
        "stages": {os.environ.get("DVC_STAGE") or _stage(root, *words): stage},
        "outputs": {},
    }
    _write(folder, values)


def complete(folder: Path, outputs: Sequence[Path]) -> None:
    """Add the hashes of the published outputs, copies of the metrics among them, and the environment of this process.

    Args:
        folder: The folder that `take` wrote.
        outputs: The paths of the outputs, relative to the present folder.
    """
    values = read(folder)
    values["outputs"] |= {path.as_posix(): dvc_md5(path) for path in outputs}
    for stage in values["stages"].values():
        stage["environment"] = describe()
    for path in outputs:
        is_metric = path.parts[0] == "metrics" and path.suffix in METRICS and path.is_file()
        if is_metric and path.stat().st_size <= MAX_METRICS:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / path)
    (folder / PACKAGES).write_text("".join(f"{line}\n" for line in installed()), encoding="utf-8")
    _write(folder, values)


def add_lock(folder: Path, root: Path) -> bool:
    """Replace the `dvc.lock` of a snapshot by the one that DVC wrote after the stage, if it exists by now.

    It has the hashes of the dependencies and the outputs of the stage. An experiment may have run in a temporary folder
    that is gone; then its `dvc.lock` is in the commit that DVC made of it.

    Args:
        folder: The folder of a complete snapshot.
        root: The root of the DVC repository.

    Returns:
        Whether a `dvc.lock` with these outputs was found.
    """
    values = read(folder)
    if not values["outputs"]:
        return False
    for content in _locks(root, values["experiment"]):
        if _has_outputs(content, values["stages"], values["outputs"]):
            _replace(folder / LOCK, content)
            return True
    return False


def merge(into: Path, later: Path) -> None:
    """Merge the snapshots of two stages of one model, for example of its training and its evaluation.

    Args:
        into: The snapshot of the earlier stage. It becomes that of the later stage, and lists the stages and the
            outputs of both. It may be missing.
        later: The snapshot of the later stage.
    """
    values = read(later)
    if (into / RUN).exists():
        earlier = read(into)
        values |= {key: earlier[key] | values[key] for key in ("stages", "outputs")}
    shutil.copytree(later, into, ignore=shutil.ignore_patterns(RUN), dirs_exist_ok=True)
    _write(into, values)


def read(folder: Path) -> dict[str, Any]:
    """Read the content of run.json.

    Args:
        folder: The folder of a snapshot.

    Returns:
        Its values by name.

    Raises:
        UnrollError: There is no snapshot, it is damaged, or another release made it.
    """
    path = folder / RUN
    try:
        values = json.loads(path.read_bytes())
        number = values["format"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UnrollError(f"{path}: is not the record of a run ({error}); choose a run that has one") from None
    if number != FORMAT:
        raise UnrollError(f"{path}: has format {number}, and this release reads {FORMAT}; use the release of the run")
    return values


def installed() -> list[str]:
    """Return the installed packages with their exact versions, as `name==version`, sorted by name."""
    found = {f"{one.metadata['Name']}=={one.version}" for one in distributions()}
    return sorted(found, key=str.lower)


def _write(folder: Path, values: Mapping[str, Any]) -> None:
    _replace(folder / RUN, (json.dumps(values, indent=1) + "\n").encode())


def _replace(path: Path, content: bytes) -> None:
    """Write a file that another process may read or copy at the same time."""
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _stage(root: Path, name: str, *keys: str) -> str:
    """Return the name that DVC has for this stage, if DVC did not start it."""
    from ruamel.yaml import YAML

    if not keys:
        return name
    yaml = YAML(typ="safe")
    stages, params = (yaml.load((root / file).read_bytes()) for file in ("dvc.yaml", "params.yaml"))
    for group, entry in stages["stages"].items():
        section = str(entry.get("foreach", "")).removeprefix("${").removesuffix("}")
        if keys[0] in (params.get(section) or {}) and f" stages/run {name} " in entry["do"]["cmd"]:
            return f"{group}@{keys[0]}"
    return f"{name}@{keys[0]}"


def _user_command() -> str | None:
    """Return the command line of the nearest `dvc` or `unroll` that this process descends from; None without one."""
    try:
        lines = [process.cmdline() for process in psutil.Process().parents()]
    except psutil.Error:  # a parent ended
        return None
    return next(filter(None, map(_program, lines)), None)


def _program(line: Sequence[str]) -> str | None:
    """Return a command line without its interpreter if it is one of `dvc` or `unroll`."""
    for place, word in enumerate(line[:3]):
        name = Path(word).name
        is_program = place == 0 or Path(line[0]).name.startswith("python")
        if name in ("dvc", "unroll") and is_program:
            return shlex.join([name, *line[place + 1 :]])
    return None


def _locks(root: Path, experiment: str | None) -> Iterator[bytes]:
    """Yield the contents of the dvc.lock that may be that of a run: of the experiment, and of the present folder."""
    if experiment:
        references = _git(root, "for-each-ref", "--format=%(refname)", "refs/exps").decode().split()
        for reference in references:
            if reference.rpartition("/")[2] == experiment:
                yield _git(root, "show", f"{reference}:./{LOCK}")
    if (root / LOCK).is_file():
        yield (root / LOCK).read_bytes()


def _has_outputs(lock: bytes, stages: Mapping[str, Any], outputs: Mapping[str, str]) -> bool:
    """Return whether a dvc.lock has entries of some stages, with these outputs."""
    if not all(md5.encode() in lock for md5 in outputs.values()):
        return False  # without reading the YAML, which takes long
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        entries = YAML(typ="safe").load(lock)["stages"]
        outs = [out for name in stages for out in entries[name].get("outs", [])]
    except (YAMLError, KeyError, TypeError):
        return False
    return {out["path"]: out.get("md5") for out in outs}.items() >= outputs.items()


def _git(root: Path, *arguments: str) -> bytes:
    """Return the output of a git command; empty if it fails."""
    environment = changes.without_repository(os.environ)
    return subprocess.run(["git", *arguments], cwd=root, env=environment, capture_output=True, check=False).stdout
