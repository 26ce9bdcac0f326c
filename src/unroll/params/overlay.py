"""Named experiments: files of `experiments/` that are laid over params.yaml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from unroll.errors import UnrollError
from unroll.params.load import parse

MERGED = ("evaluate",)  # a section of numbers; the others hold entries by name
NEEDED = ("corpora", "tokens", "models")  # of whose entries params.yaml has at least one


def apply(overlay: Path, params: Path) -> None:
    """Lay `overlay` over the file `params`: a number takes the place of the one it names, entries that of all entries.

    So what runs afterwards is what the overlay names. An entry of a known name needs only what differs; sections of
    entries that the overlay leaves out (mixtures, ...) become empty, if it has any. Comments stay where their lines do.
    Raises UnrollError, and changes nothing, if the result would be no valid params.yaml.
    """
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 120, True
    values, wanted = _read(yaml, params), _read(yaml, overlay)
    sections = [name for name, value in values.items() if isinstance(value, Mapping) and name not in MERGED]
    if any(name in wanted for name in sections):
        if missing := [name for name in NEEDED if name not in wanted]:
            raise UnrollError(
                f"{overlay}: has no {missing[0]}; what runs is what it names, so name {', '.join(NEEDED)} too"
                f" (an entry that params.yaml has needs no more than its name: {{words: {{}}}})"
            )
        for name in sections:
            values[name] = {key: merged(values[name].get(key), entry) for key, entry in wanted.pop(name, {}).items()}
    for name, value in wanted.items():
        values[name] = merged(values.get(name), value)
    parse(_plain(values), f"{params} with {overlay}")
    temporary = params.with_name(f".{params.name}.part")
    with temporary.open("w", encoding="utf-8") as file:
        yaml.dump(values, file)
    temporary.replace(params)


def merged(old: Any, new: Any) -> Any:
    """`new` over `old`: mappings key by key, but for one of another `kind` or `family`, which stands alone."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    if any(key in new and old.get(key) != new[key] for key in ("kind", "family", "source", "level")):
        return new
    return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}


def _plain(values: Any) -> Any:
    """Without what ruamel keeps for writing: comments, styles, the spelling of numbers."""
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
        values = yaml.load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UnrollError(f"{path}: not found; run from the repository's root, with a file of experiments/") from None
    except IsADirectoryError:
        raise UnrollError(f"{path}: is a folder; name one of its files") from None
    except (UnicodeDecodeError, YAMLError) as error:
        raise UnrollError(f"{path}: is no YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(values, Mapping):
        raise UnrollError(f"{path}: holds no sections")
    return values
