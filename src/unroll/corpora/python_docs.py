"""`python-docs`: about 2.2 MB of English that is on every machine: the running interpreter's own documentation.

One document per topic of the language reference (`pydoc_data.topics`) and one per module of the standard library:
its docstrings. Modules are parsed, never imported. Another version of Python has another text.
"""

import ast
import json
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from unroll.errors import UnrollError
from unroll.params.corpora import Corpus
from unroll.text.manifest import RawFile, write_manifest

OUTSIDE = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}
"""Folders of the library that hold no documentation, or that depend on what was installed."""
BLOCKS = ("body", "handlers", "cases", "orelse", "finalbody")
"""Where statements hold statements, in the order of the source: expressions define nothing, but are most of a tree."""


def fetch(params: Corpus, seed: int, folder: Path) -> None:
    """Write `documents.jsonl` and `raw.json` into `folder`; nothing is random."""
    with (folder / "documents.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for name, text in documents(Path(sysconfig.get_path("stdlib"))):
            file.write(json.dumps({"document": name, "text": text}, ensure_ascii=False) + "\n")
    write_manifest(folder, [RawFile("documents.jsonl", "documents")])


def documents(library: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of every topic, then of every module of the `library` folder that has docstrings; sorted."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise UnrollError(
            "source python-docs: this Python was installed without pydoc_data; install the full standard library "
            "or choose another source"
        ) from None
    for name in sorted(topics):
        yield f"topics/{name}", topics[name].strip()
    for module in sorted(modules(library)):
        if text := "\n\n".join(docstrings(ast.parse((library / module).read_bytes()))):
            yield f"modules/{module.as_posix()}", text


def modules(library: Path) -> Iterator[Path]:
    """Every module's path in the library folder."""
    for folder, folders, files in os.walk(library):
        folders[:] = set(folders) - OUTSIDE
        yield from (Path(folder, file).relative_to(library) for file in files if file.endswith(".py"))


def docstrings(node: ast.AST) -> Iterator[str]:
    """Every docstring in and below `node`, in the order of the source."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
        text := ast.get_docstring(node)
    ):
        yield text
    for block in BLOCKS:
        for statement in getattr(node, block, ()):
            yield from docstrings(statement)
