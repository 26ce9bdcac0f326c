"""The files of a saved model: params.json, weights.safetensors, and manifest.json with the SHA-256 of both.

`params.json` has the number of the format, and a model with an unknown format is refused. No file contains code: pickle
is not used.
"""

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
FORMAT = 1
"""The number of the format that this release writes. It increases with every change that older releases cannot read."""


def write(path: Path, params: Mapping[str, Any], weights: Mapping[str, NDArray]) -> None:
    """Write a model.

    Args:
        path: The existing folder of the model.
        params: The settings of the model, JSON values.
        weights: The arrays of the model, by name.
    """
    text = json.dumps({"format": FORMAT, **params}, indent=1, sort_keys=True) + "\n"
    (path / PARAMS).write_text(text, encoding="utf-8")
    save_file({name: np.ascontiguousarray(weights[name]) for name in sorted(weights)}, path / WEIGHTS)
    hashes = {name: file_sha256(path / name) for name in (PARAMS, WEIGHTS)}
    (path / MANIFEST).write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")


def read_params(path: Path) -> dict[str, Any]:
    """Read the settings of a model.

    Args:
        path: The folder of the model.

    Returns:
        What `write` was given as `params`, and the number of the format.

    Raises:
        UnrollError: There is no model, it is damaged, or its format is unknown.
    """
    if not (path / PARAMS).is_file():
        others = sorted(folder.name for folder in path.parent.glob("*") if (folder / PARAMS).is_file())
        there = f"there are {', '.join(others)}" if others else "run `dvc repro` first"
        raise UnrollError(f"{path}: no model here; {there}")
    params = json.loads(_verified(path, PARAMS))
    if (found := params.get("format", 0)) != FORMAT:
        reader = (
            "the release of unroll that wrote it reads it, or `dvc repro` trains the model again"
            if found < FORMAT
            else "install a newer release of unroll"
        )
        raise UnrollError(f"{path / PARAMS}: the model has format {found}, but this release reads {FORMAT}; {reader}")
    return params


def read_weights(path: Path) -> dict[str, NDArray]:
    """Read the arrays of a model, by name.

    Args:
        path: The folder of the model.

    Returns:
        What `write` was given as `weights`.

    Raises:
        UnrollError: A file is missing or damaged.
    """
    return parse_weights(_verified(path, WEIGHTS))


def _verified(path: Path, name: str) -> bytes:
    # Corrupted weights load without an error, so the hash is compared first.
    content, hashes = (_content(path / file) for file in (name, MANIFEST))
    try:
        expected = json.loads(hashes)[name]
    except (ValueError, KeyError, TypeError) as error:
        raise UnrollError(f"{path / MANIFEST}: damaged ({error}); run `dvc repro -f` for this model") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise UnrollError(
            f"{path / name}: does not match {MANIFEST}; the file is damaged, so run `dvc repro -f` for this model"
        )
    return content


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnrollError(f"{file}: unreadable ({error}); run `dvc repro -f` for this model") from error


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. The file is read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
