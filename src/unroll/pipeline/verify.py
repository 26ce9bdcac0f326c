"""Compare outputs with dvc.lock. DVC itself trusts a read-only file without reading it."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from unroll.errors import UnrollError


def outputs(lock: Path) -> dict[str, str]:
    """Read the hashes of all outputs.

    Args:
        lock: A dvc.lock file.

    Returns:
        The hash of every output, by path.

    Raises:
        UnrollError: The file is missing or is not a dvc.lock.
    """
    try:
        stages = YAML(typ="safe").load(lock.read_text(encoding="utf-8"))["stages"]
        return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}
    except FileNotFoundError:
        raise UnrollError(f"{lock}: not found; run `dvc repro` first") from None
    except (YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        raise UnrollError(f"{lock}: is not a dvc.lock; name one that `dvc repro` wrote") from None


def damaged(root: Path) -> list[str]:
    """Return the outputs below `root` that are missing, or whose bytes differ from dvc.lock."""
    return [path for path, md5 in outputs(root / "dvc.lock").items() if _md5(root / path) != md5]


def differences(one: Path, other: Path) -> tuple[int, list[str]]:
    """Compare two dvc.lock files.

    Args:
        one: A dvc.lock file.
        other: Another one.

    Returns:
        The number of equal outputs, and the paths of the others.
    """
    first, second = outputs(one), outputs(other)
    paths = list(dict.fromkeys([*first, *second]))
    differing = [path for path in paths if first.get(path) != second.get(path)]
    return len(paths) - len(differing), differing


def _md5(path: Path) -> str:
    """Return the hash as DVC computes it: of the bytes of a file, or of the JSON list of the files of a folder."""
    if path.is_file():
        return _digest(path)
    listed = [{"md5": _digest(file), "relpath": file.relative_to(path).as_posix()} for file in _files(path)]
    listed.sort(key=lambda entry: entry["relpath"])
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
