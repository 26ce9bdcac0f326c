"""A model's folder: params.json, weights.safetensors and manifest.json with the sha256 of both. No pickle anywhere."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as parse_weights
from safetensors.numpy import save_file

from unroll.errors import UnrollError

PARAMS, WEIGHTS, MANIFEST = "params.json", "weights.safetensors", "manifest.json"


def write(path: Path, params: Mapping[str, Any], weights: Mapping[str, NDArray]) -> None:
    """Write `params` (JSON values) and `weights` (arrays by name) into the existing folder `path`."""
    text = json.dumps(params, indent=1, sort_keys=True) + "\n"
    (path / PARAMS).write_text(text, encoding="utf-8")
    save_file({name: np.ascontiguousarray(weights[name]) for name in sorted(weights)}, path / WEIGHTS)
    hashes = {name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in (PARAMS, WEIGHTS)}
    (path / MANIFEST).write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")


def read_params(path: Path) -> dict[str, Any]:
    """The parameters a model was saved with."""
    if not (path / PARAMS).is_file():
        others = sorted(folder.name for folder in path.parent.glob("*") if (folder / PARAMS).is_file())
        there = f"there are {', '.join(others)}" if others else "run `dvc repro` first"
        raise UnrollError(f"{path}: no model here; {there}")
    return json.loads(_verified(path, PARAMS))


def read_weights(path: Path) -> dict[str, NDArray]:
    """The arrays a model was saved with."""
    return parse_weights(_verified(path, WEIGHTS))


def size(path: Path) -> int:
    """Numbers in the saved arrays: a network's parameters, an n-gram model's counts, a mixture's members too."""
    return sum(value.size for file in path.rglob(WEIGHTS) for value in read_weights(file.parent).values())


def _verified(path: Path, name: str) -> bytes:
    # A flipped bit in a weight loads without a word, so the bytes are checked before they are believed.
    content, hashes = (_content(path / file) for file in (name, MANIFEST))
    try:
        expected = json.loads(hashes)[name]
    except (ValueError, KeyError, TypeError) as error:
        raise UnrollError(f"{path / MANIFEST}: damaged ({error}); run `dvc repro -f` for this model") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise UnrollError(f"{path / name}: does not match {MANIFEST}: the file is damaged; train the model again")
    return content


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnrollError(f"{file}: unreadable ({error}); run `dvc repro -f` for this model") from error
