"""Hashes that identify what a result was made from."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PIECE = 1 << 20
"""The number of bytes that are read together."""


def fingerprint(params: Mapping[str, Any], data: Path) -> dict[str, str]:
    """Hash the settings and the data of a result.

    Args:
        params: An entry of params.yaml.
        data: The file or folder that the result was made from.

    Returns:
        {"params_hash": ..., "data_hash": ...}.
    """
    return {
        "params_hash": hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:16],
        "data_hash": file_hash(data, *sorted(data.rglob("*"))),
    }


def file_hash(*paths: Path) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of the content of all files among `paths`, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    digest.update(piece)
    return digest.hexdigest()[:16]
