"""Changes of params.yaml: named experiments (overlays, the files of `experiments/`), and single values by path."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from unroll.errors import UnrollError
from unroll.params.base import suggest
from unroll.params.load import parse, refuse_anchors
from unroll.params.renamed import REMOVED, new_key

MERGED = ("evaluate",)
"""Sections whose values are replaced one by one. The other sections hold entries by name."""
NEEDED = ("corpora", "tokenizers", "models")
"""Sections that have at least one entry."""


def apply(overlay: Path, params: Path) -> None:
    """Apply an overlay to a params file.

    A value replaces the value of the same key. The entries of a section replace all entries of that section, so the
    pipeline then runs what the overlay names; an entry that the params file has, too, needs only the keys that differ.
    If the overlay has any section of entries, the sections that it leaves out become empty. Comments stay with their
    lines.

    Args:
        overlay: The overlay.
        params: The params file, which is replaced.

    Raises:
        UnrollError: The result is not a valid params file, which then stays as it is.
    """
    yaml = YAML()
    yaml.preserve_quotes = True  # the width is that of DVC, which otherwise wraps other lines in its next change
    values, wanted = _read(yaml, params), _read(yaml, overlay)
    for name in wanted:
        if name in REMOVED:
            raise UnrollError(f"{overlay}: {name}: was removed: {REMOVED[name]}")
        if name not in values and (new := new_key(name, values)):
            raise UnrollError(f"{overlay}: {name}: was renamed; write {new}; CHANGELOG.md lists all new names")
    sections = [name for name, value in values.items() if isinstance(value, Mapping) and name not in MERGED]
    if any(name in wanted for name in sections):
        if missing := [name for name in NEEDED if name not in wanted]:
            raise UnrollError(
                f"{overlay}: has no section {missing[0]}; the pipeline runs what the overlay names, so name "
                f"{', '.join(NEEDED)} (for an entry that params.yaml has, its name is enough: {{words: {{}}}})"
            )
        for name in sections:
            values[name] = {key: merged(values[name].get(key), entry) for key, entry in wanted.pop(name, {}).items()}
    for name, value in wanted.items():
        values[name] = merged(values.get(name), value)
    parse(_plain(values), f"{params} with {overlay}")
    _write(yaml, values, params)


def merged(old: Any, new: Any) -> Any:
    """Merge a value of an overlay into the value that it overrides.

    Args:
        old: The value of the params file.
        new: The value of the overlay.

    Returns:
        Mappings are merged key by key, unless their kind, family, source or type differs; other values are replaced.
    """
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    if any(key in new and old.get(key) != new[key] for key in ("kind", "family", "source", "type")):
        return new
    return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}


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
    yaml.preserve_quotes = True
    content = yaml.load(file.read_text(encoding="utf-8"))
    for path, value in values.items():
        assign(content, path, value)
    _write(yaml, content, file)


def _plain(values: Any) -> Any:
    """Return the values without the comments, styles and spellings of numbers that ruamel keeps for writing."""
    if isinstance(values, Mapping):
        return {str(key): _plain(value) for key, value in values.items()}
    if isinstance(values, list):
        return [_plain(value) for value in values]
    for kind in (bool, int, float, str):
        if isinstance(values, kind):
            return kind(values)
    return values


def _read(yaml: YAML, path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        refuse_anchors(text, path)
        values = yaml.load(text)
    except FileNotFoundError:
        raise UnrollError(f"{path}: not found; run from the repository's root, with a file of experiments/") from None
    except IsADirectoryError:
        raise UnrollError(f"{path}: is a folder; name one of its files") from None
    except (UnicodeDecodeError, YAMLError) as error:
        raise UnrollError(f"{path}: is not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(values, Mapping):
        raise UnrollError(f"{path}: has no sections")
    return values


def _write(yaml: YAML, values: Any, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("w", encoding="utf-8") as file:
        yaml.dump(values, file)
    temporary.replace(path)
