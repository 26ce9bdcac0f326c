"""Import `unroll`'s networks on a machine that has torch, numpy and Lightning alone.

What checks params.yaml and writes model files (pydantic, ruamel, safetensors) is not needed to train: where it is
missing, hollow modules take its place before `unroll` is imported, and `make` fills plain objects of the same names.
"""

import importlib.util
import sys
from types import ModuleType
from typing import Any


class Hollow:
    """Stands for any class: it can be subscripted, called, subclassed and used as a decorator."""

    def __init__(self, *_: Any, **values: Any) -> None:
        vars(self).update({name: filled(value) for name, value in values.items()})

    def __call__(self, *given: Any, **_: Any) -> Any:
        return given[0] if given else self

    def __class_getitem__(cls, _: Any) -> type:
        return cls


class Named(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Hollow


def filled(value: Any) -> Any:
    """Mappings as objects with attributes."""
    return Hollow(**value) if isinstance(value, dict) else value


def make(kind: type, values: dict[str, Any]) -> Any:
    """Params of `kind`, checked where pydantic is there."""
    return kind.model_validate(values) if hasattr(kind, "model_validate") else kind(**values)


for name in ("pydantic", "ruamel", "safetensors"):
    if importlib.util.find_spec(name) is None:
        for module in {
            "ruamel": ("ruamel", "ruamel.yaml", "ruamel.yaml.error"),
            "safetensors": ("safetensors", "safetensors.numpy"),
        }.get(name, (name,)):
            sys.modules[module] = Named(module)
