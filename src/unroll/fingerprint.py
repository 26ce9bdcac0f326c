"""The settings that a result was made from, and hashes that identify them and the data."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unroll.params.experiments import SeedParams
from unroll.params.root import Root

PIECE = 1 << 20
"""The number of bytes that are read together."""


def resolve(params: Root, name: str) -> tuple[Any, int]:
    """Return the settings and the seed of an entry. An entry of `seeds` has those of its model, and its own seed.

    Args:
        params: The settings of the pipeline.
        name: The name of an entry that is trained.

    Returns:
        The settings that its family is fitted with, and the seed.
    """
    entry = params.experiments[name]
    return (params.models[entry.model], entry.seed) if isinstance(entry, SeedParams) else (entry, params.seed)


def describe(params: Root, name: str) -> dict[str, Any]:
    """Return the settings of an entry, with those of the entries of `models` and `vectors` that it names.

    Args:
        params: The settings of the pipeline.
        name: The name of an entry that is trained.

    Returns:
        The settings of the entry. An entry of `seeds` has those of its model, too; a mixture has `first_settings` and
        `second_settings`, and an entry of `pretrained` has `vectors_settings`.
    """
    entry = params.experiments[name]
    settings = entry.model_dump()
    if isinstance(entry, SeedParams):
        return params.models[entry.model].model_dump() | settings
    for key in ("first", "second", "vectors"):
        if isinstance(member := settings.get(key), str):
            settings[f"{key}_settings"] = params.experiments[member].model_dump()
    return settings


def fingerprint(params: Mapping[str, Any], data: Path) -> dict[str, str]:
    """Hash the settings and the data of a result.

    Args:
        params: The settings of the result.
        data: The file or folder that the result was made from.

    Returns:
        {"params_hash": ..., "data_hash": ...}.
    """
    return {
        "params_hash": settings_hash(params),
        "data_hash": file_hash(data, *sorted(data.rglob("*"))),
    }


def settings_hash(params: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of settings."""
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:16]


def code_hash() -> str:
    """Return 16 hexadecimal digits of the SHA-256 of all modules of this package."""
    return file_hash(*sorted(Path(__file__).parent.rglob("*.py")))


def file_hash(*paths: Path) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of the content of all files among `paths`, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            with path.open("rb") as file:
                while piece := file.read(PIECE):
                    digest.update(piece)
    return digest.hexdigest()[:16]
