"""Forecasters of a series of numbers, one file each, found by name as the families of `unroll.models` are."""

from importlib import import_module
from types import ModuleType


def family(name: str) -> ModuleType:
    """The module `unroll.series.<name>`, with `fit(params, past) -> Forecaster`."""
    return import_module(f"unroll.series.{name}")
