"""Forecasters of a series of numbers, one file per family."""

from importlib import import_module
from types import ModuleType


def family(name: str) -> ModuleType:
    """Return the module `unroll.series.<name>`, which has `fit(params, past) -> Forecaster`."""
    return import_module(f"unroll.series.{name}")
