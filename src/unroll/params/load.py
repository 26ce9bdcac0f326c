"""Read params.yaml into its schema. Every error is one sentence with the full path of the key."""

import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Tag, ValidationError
from ruamel.yaml import YAML, AliasEvent, ScalarEvent
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from unroll.errors import UnrollError
from unroll.params.base import suggest
from unroll.params.renamed import REMOVED, new_key, new_value
from unroll.params.root import Root

Settings = TypeVar("Settings", bound=BaseModel)
LARGEST = 1_000_000
"""The maximum number of characters of a params file."""


def load(path: Path = Path("params.yaml")) -> Root:
    """Read and validate a params file.

    Args:
        path: The file.

    Returns:
        The settings.

    Raises:
        UnrollError: The file is missing, is not YAML, or has a wrong key or value.
    """
    return parse(read(path), str(path))


def parse(values: Any, origin: str) -> Root:
    """Validate the parsed YAML of a params file.

    Args:
        values: The content of the file.
        origin: The name of the file in error messages.

    Returns:
        The settings.

    Raises:
        UnrollError: A key or a value is wrong.
    """
    return validate(Root, values, origin)


def validate(schema: type[Settings], values: Any, origin: str) -> Settings:
    """Validate parsed YAML.

    Args:
        schema: The schema of the file.
        values: The content of the file.
        origin: The name of the file in error messages.

    Returns:
        The settings.

    Raises:
        UnrollError: A key or a value is wrong.
    """
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        renamed = [sentence for fault in faults if (sentence := _renaming(fault, schema))]
        # A renamed key is also a missing one, so only the renamings are counted.
        sentences = renamed or [_sentence(fault, schema) for fault in faults]
        more = f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else ""
        table = "; CHANGELOG.md lists all new names" if renamed else ""
        raise UnrollError(f"{origin}: {sentences[0]}{more}{table}") from error


def find_faults(values: Any) -> dict[str, str]:
    """Return what is wrong with the parsed YAML of a params file.

    Args:
        values: The content of the file.

    Returns:
        The sentence of each fault, by the path of its key. A fault of several keys has the path of their section.
    """
    try:
        Root.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        sentences: dict[str, str] = {}
        for fault in faults:  # of a value that may have several types, the first one
            sentences.setdefault(".".join(_locate(list(fault["loc"]), Root)[0]), _sentence(fault, Root))
        return sentences
    return {}


def read(path: Path) -> Any:
    """Read a file of YAML 1.2 without validating its content.

    Args:
        path: The file.

    Returns:
        The content.

    Raises:
        UnrollError: The file is missing, is too long, has an anchor, or is not YAML.
    """
    # DVC uses the same parser and YAML 1.2, so both read the same numbers (1e-3 is a float, not a string).
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UnrollError(f"{path}: not found; run from the repository's root") from None
    except UnicodeDecodeError as error:
        raise UnrollError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    if len(text) > LARGEST:
        raise UnrollError(f"{path}: {len(text)} characters exceed the limit of {LARGEST} for a params file")
    yaml = YAML(typ="safe")
    try:
        refuse_anchors(text, path)
        return yaml.load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UnrollError(f"{path}: line {line}: {error.problem or error.context}".split("\n")[0]) from error
    except YAMLError as error:
        raise UnrollError(f"{path}: {error}") from error


def refuse_anchors(text: str, path: Path) -> None:
    """Refuse anchors, aliases and merge keys.

    `dvc exp run -S` silently loses an override of a merged value or applies it to all its aliases, and nested aliases
    can expand to any size.

    Args:
        text: The content of a params file or an overlay.
        path: The file, for error messages.

    Raises:
        UnrollError: The text has an anchor, an alias or a merge key. The sentence names the line.
    """
    if not any(sign in text for sign in "&*<"):
        return
    for event in YAML(typ="safe").parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            raise UnrollError(f"{path}: line {line}: write the value out instead of the alias *{event.anchor}")
        if anchor := getattr(event, "anchor", None):
            raise UnrollError(
                f"{path}: line {line}: remove the anchor &{anchor} and write the value out where it is used"
            )
        if isinstance(event, ScalarEvent) and event.value == "<<" and event.implicit[0]:
            raise UnrollError(f"{path}: line {line}: write the keys out instead of the merge key <<")


def _renaming(fault: Any, schema: type[BaseModel]) -> str | None:
    """Return the sentence on a key or value that an earlier release called by another name; None for other faults."""
    path, model = _locate(list(fault["loc"]), schema)
    kind, context, where = fault["type"], fault.get("ctx", {}), ".".join(path)
    if kind == "extra_forbidden":
        if path[-1] in REMOVED:
            return f"{where}: was removed: {REMOVED[path[-1]]}"
        new = new_key(path[-1], model.model_fields if model else [])
        return f"{where}: was renamed; write {new}" if new else None
    if kind == "union_tag_not_found" and isinstance(fault["input"], dict):
        key = context["discriminator"].strip("'")
        old = next((name for name in fault["input"] if new_key(name, [key])), None)
        return f"{where}.{old}: was renamed; write {key}" if old else None
    if kind == "union_tag_invalid":
        key, value = context["discriminator"].strip("'"), context["tag"]
        new = new_value(key, value, context["expected_tags"])
        return f"{where}.{key}: the value '{value}' was renamed; write {new}" if new else None
    if kind == "literal_error" and (new := new_value(path[-1], fault["input"], context["expected"])):
        return f"{where}: the value '{fault['input']}' was renamed; write {new}"
    return None


def _sentence(fault: Any, schema: type[BaseModel]) -> str:
    path, model = _locate(list(fault["loc"]), schema)
    where = ".".join(path) or "params"
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{where}: unknown key{suggest(path[-1], list(model.model_fields) if model else [])}"
    if kind == "missing":
        return f"{where}: missing; add it"
    if kind == "value_error":
        sentence = str(context["error"])
        return sentence if not path else f"{where}: {sentence}"
    if kind == "union_tag_invalid":
        key = context["discriminator"].strip("'")
        tags = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
        return f"{where}.{key}: there is no {context['tag']}{suggest(context['tag'], tags)}"
    if kind == "union_tag_not_found":
        key = context["discriminator"].strip("'")
        return f"{where}.{key}: missing; add it"
    message = fault["msg"][0].lower() + fault["msg"][1:]
    return f"{where}: {message}, not {fault['input']!r:.80}"


def _locate(loc: list[Any], root: type[BaseModel]) -> tuple[list[str], type[BaseModel] | None]:
    """Return the YAML path of a fault, without the union tags of pydantic, and the schema of its section."""
    path: list[str] = []
    schema: Any = root
    section: type[BaseModel] | None = root
    for step in loc:
        if options := _options(schema):
            schema = section = options.get(step)  # a tag, not a key
        elif typing.get_origin(schema) in (typing.Union, types.UnionType):
            schema = None  # the name of a type in a union of plain values
        elif step != "[key]":
            path.append(str(step))
            schema = _below(schema, step)
            if isinstance(schema, type) and issubclass(schema, BaseModel):
                section = schema
    return path, section


def _below(schema: Any, key: Any) -> Any:
    """Return the schema of the value at `key`."""
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return schema.model_fields[key].annotation if key in schema.model_fields else None
    return typing.get_args(schema)[1] if typing.get_origin(schema) is dict else None


def _options(schema: Any) -> dict[str, type[BaseModel]]:
    """Return the models of a tagged union by tag; empty if `schema` is not a tagged union."""
    if typing.get_origin(schema) is typing.Annotated:
        schema = typing.get_args(schema)[0]
    if typing.get_origin(schema) not in (typing.Union, types.UnionType):
        return {}
    options: dict[str, type[BaseModel]] = {}
    for option in typing.get_args(schema):
        model, *metadata = typing.get_args(option) or (option,)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return {}  # a union of plain values carries no tags
        tags = [extra.tag for extra in metadata if isinstance(extra, Tag)] or _literals(model)
        options |= dict.fromkeys(tags, model)
    return options


def _literals(model: type[BaseModel]) -> list[str]:
    """Return the values of the field that identifies `model` in a union: its first Literal."""
    for field in model.model_fields.values():
        if typing.get_origin(field.annotation) is typing.Literal:
            return list(typing.get_args(field.annotation))
    return []
