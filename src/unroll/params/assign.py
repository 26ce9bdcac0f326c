"""Set single values of params.yaml by their paths, such as `models.lstm.training.learning_rate`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from unroll.errors import UnrollError
from unroll.params.base import suggest


def assign(values: Any, path: str, value: Any) -> None:
    """Replace a value that a params file has.

    Args:
        values: The content of the file, which is changed.
        path: The keys from the root to the value, with dots between them.
        value: The new value.

    Raises:
        UnrollError: There is no such key.
    """
    keys = path.split(".")
    section, place = values, values
    for depth, key in enumerate(keys):
        known = ".".join(keys[:depth]) or "params.yaml"
        section = place
        if not isinstance(section, Mapping):
            raise UnrollError(f"{known} has no keys in params.yaml; end the path there")
        if key not in section:
            raise UnrollError(f"{known} has no key {key}{suggest(key, map(str, section))}")
        place = section[key]
    section[keys[-1]] = value


def assign_in_file(file: Path, values: Mapping[str, Any]) -> None:
    """Replace values of a params file. Comments stay with their lines.

    Args:
        file: The file, which is replaced at once.
        values: The new values by their paths.

    Raises:
        UnrollError: There is no such key.
    """
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 120, True
    content = yaml.load(file.read_text(encoding="utf-8"))
    for path, value in values.items():
        assign(content, path, value)
    temporary = file.with_name(f".{file.name}.part")
    with temporary.open("w", encoding="utf-8") as handle:
        yaml.dump(content, handle)
    temporary.replace(file)
