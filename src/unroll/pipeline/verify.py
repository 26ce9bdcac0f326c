"""Is everything still, or again, what dvc.lock says? DVC itself trusts a read-only file without looking at it."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from unroll.errors import UnrollError


def outputs(lock: Path) -> dict[str, str]:
    """The hash of every output of a dvc.lock, by path."""
    try:
        stages = YAML(typ="safe").load(lock.read_text(encoding="utf-8"))["stages"]
        return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}
    except FileNotFoundError:
        raise UnrollError(f"{lock}: not found; run `dvc repro` first") from None
    except (YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        raise UnrollError(f"{lock}: is no dvc.lock; name one that `dvc repro` wrote") from None


def damaged(root: Path) -> list[str]:
    """Outputs below `root` whose bytes are not those of dvc.lock, or that are missing."""
    return [path for path, md5 in outputs(root / "dvc.lock").items() if _md5(root / path) != md5]


def differences(one: Path, other: Path) -> tuple[int, list[str]]:
    """(number of equal outputs, paths of those that differ or are in one file only) of two dvc.lock files."""
    first, second = outputs(one), outputs(other)
    paths = list(dict.fromkeys([*first, *second]))
    differing = [path for path in paths if first.get(path) != second.get(path)]
    return len(paths) - len(differing), differing


def _md5(path: Path) -> str:
    """As DVC counts it: of a file its bytes, of a folder the JSON list of its files."""
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
