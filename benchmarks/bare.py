"""Import the networks of `unroll` on a machine that has only torch, numpy and Lightning.

Training needs neither the libraries that check params.yaml nor those that write model files (pydantic, ruamel.yaml,
safetensors). If they are missing, stub modules are imported in their place, and `make` builds plain objects with the
names of the settings. Import this module before `unroll`.
"""

import importlib.util
import sys
from types import ModuleType
from typing import Any


class Stub:
    """Stands for any class: it can be subscripted, called, subclassed and used as a decorator."""

    def __init__(self, *_: Any, **values: Any) -> None:
        """Set the values as attributes; mappings become objects."""
        vars(self).update({name: Stub(**value) if isinstance(value, dict) else value for name, value in values.items()})

    def __call__(self, *arguments: Any, **_: Any) -> Any:
        """Return the first argument, as a decorator does."""
        return arguments[0] if arguments else self

    def __class_getitem__(cls, _: Any) -> type:
        """Return the class."""
        return cls


class StubModule(ModuleType):
    """A module in which every name is a stub."""

    def __getattr__(self, name: str) -> Any:
        """Return `Stub` for every public name."""
        if name.startswith("__"):
            raise AttributeError(name)
        return Stub


def make(kind: type, values: dict[str, Any]) -> Any:
    """Make settings of this class. They are checked if pydantic is installed."""
    return kind.model_validate(values) if hasattr(kind, "model_validate") else kind(**values)


for name in ("pydantic", "ruamel", "safetensors"):
    if importlib.util.find_spec(name) is None:
        for module in {
            "ruamel": ("ruamel", "ruamel.yaml", "ruamel.yaml.error"),
            "safetensors": ("safetensors", "safetensors.numpy"),
        }.get(name, (name,)):
            sys.modules[module] = StubModule(module)
