"""Model families: one file each, found by name. The path is the registry, and the same path is the DVC dependency."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


def family(name: str) -> ModuleType:
    """The module `unroll.models.<name>`, with `fit(params, data, report) -> Model`, `Model` and `load(path)`."""
    return import_module(f"unroll.models.{name}")


def load(path: Path) -> Any:
    """The model saved in folder `path`, whatever its family; its files are checked against their hashes first."""
    from unroll.models.storage import read_params

    return family(read_params(path)["params"]["family"]).load(path)


def size(path: Path) -> int:
    """Numbers that the model saved in folder `path` consists of."""
    from unroll.models import storage

    return storage.size(path)
