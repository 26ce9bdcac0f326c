"""Model families, one folder each. The name of a folder is the name of the family in params.yaml and in dvc.yaml."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any


def family(name: str) -> ModuleType:
    """Return the module of a family, with `fit(params, data, inputs, log)`, the class `Model` and `load(path)`."""
    return import_module(f"unroll.models.{name}.model")


def load(path: Path) -> Any:
    """Load a model of any family.

    Args:
        path: The folder of the model.

    Returns:
        The model.

    Raises:
        UnrollError: There is no model, its format is unknown, or its files do not match their hashes.
    """
    from unroll.models.base.storage import read_params  # loading params.yaml imports this package, but no numpy

    return family(read_params(path)["params"]["family"]).load(path)
