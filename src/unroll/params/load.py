"""Read params.yaml into its schema; every fault is one sentence with the full path of the key."""

import types
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Tag, ValidationError
from ruamel.yaml import YAML, AliasEvent
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from unroll.errors import UnrollError
from unroll.params.base import nearest
from unroll.params.root import Root

LARGEST = 1_000_000  # bytes; a params.yaml beyond it is not one


def load(path: Path = Path("params.yaml")) -> Root:
    """The validated parameters of `path`; UnrollError names the key and the fix."""
    return parse(_read(path), str(path))


def parse(values: Any, origin: str) -> Root:
    """Validate parsed YAML; `origin` is the file's name for messages."""
    try:
        return Root.model_validate(values)
    except ValidationError as error:
        faults = [_sentence(fault, values) for fault in error.errors(include_url=False)]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise UnrollError(f"{origin}: {faults[0]}{more}") from error


def _read(path: Path) -> Any:
    # The same parser and YAML 1.2 rules as DVC, so that both read the same numbers (1e-3 is a float, not a string).
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UnrollError(f"{path}: not found; run from the repository's root") from None
    except UnicodeDecodeError as error:
        raise UnrollError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    if len(text) > LARGEST:
        raise UnrollError(f"{path}: {len(text)} characters are more than the {LARGEST} a params file may have")
    yaml = YAML(typ="safe")
    try:
        for event in yaml.parse(text) if "*" in text else ():
            if isinstance(event, AliasEvent):  # a bomb of nested aliases would hang whoever reads it, DVC included
                line = event.start_mark.line + 1
                raise UnrollError(f"{path}: line {line}: write the value out instead of *{event.anchor}")
        return yaml.load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UnrollError(f"{path}: line {line}: {error.problem or error.context}".split("\n")[0]) from error
    except YAMLError as error:
        raise UnrollError(f"{path}: {error}") from error


def _sentence(fault: Any, values: Any) -> str:
    path, model = _locate(list(fault["loc"]), values)
    where = ".".join(path) or "params"
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{where}: unknown key{nearest(path[-1], list(model.model_fields) if model else [])}"
    if kind == "missing":
        return f"{where}: missing; add it"
    if kind == "value_error":
        sentence = str(context["error"])
        return sentence if not path else f"{where}: {sentence}"
    if kind == "union_tag_invalid":
        key = context["discriminator"].strip("'")
        tags = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
        return f"{where}.{key}: there is no {context['tag']}{nearest(context['tag'], tags)}"
    if kind == "union_tag_not_found":
        return f"{where}.{context['discriminator'].strip(chr(39))}: missing; add it"
    message = fault["msg"][0].lower() + fault["msg"][1:]
    return f"{where}: {message}, not {fault['input']!r:.80}"


def _locate(loc: list[Any], values: Any) -> tuple[list[str], type[BaseModel] | None]:
    """The YAML path of a fault (pydantic mixes union tags into it) and the schema of the section it lies in."""
    path: list[str] = []
    schema: Any = Root
    section: type[BaseModel] | None = Root
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
    """The schema of the value at `key`."""
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return schema.model_fields[key].annotation if key in schema.model_fields else None
    return typing.get_args(schema)[1] if typing.get_origin(schema) is dict else None


def _options(schema: Any) -> dict[str, type[BaseModel]]:
    """The models of a tagged union by tag; empty if `schema` is no such union."""
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
    """The value of the field that tells `model` from others: its first Literal."""
    for field in model.model_fields.values():
        if typing.get_origin(field.annotation) is typing.Literal:
            return list(typing.get_args(field.annotation))
    return []
