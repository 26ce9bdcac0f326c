"""Sources `python-docs` and `python-docs-labelled`: the documentation of the running Python interpreter.

It is about 2.2 MB of English and needs no network. `python-docs` has one document for each topic of the language
reference (`pydoc_data.topics`) and one for the docstrings of each module of the standard library.
`python-docs-labelled` has one labelled text for each docstring. Modules are parsed and not imported. Another version of
Python gives another text.
"""

import ast
import json
import os
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from unroll.errors import UnrollError
from unroll.params.corpora import LabelledDocsCorpus, TextCorpus
from unroll.text.manifest import RawFile, write_manifest

EXCLUDED = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}
"""The folders of the library without documentation, or whose content depends on the installed packages."""
BLOCKS = ("body", "handlers", "cases", "orelse", "finalbody")
"""The fields of statements that contain statements, in the order of the source. Expressions define no docstrings."""


def fetch(params: TextCorpus | LabelledDocsCorpus, seed: int, folder: Path) -> None:
    """Write documents.jsonl, or labelled.tsv with the columns label and text. The seed has no effect.

    Raises:
        UnrollError: The topics of the language reference are not installed.
    """
    library = Path(sysconfig.get_path("stdlib"))
    if isinstance(params, LabelledDocsCorpus):
        rows = labelled_docstrings(library, params.classes, params.min_characters)
        lines = "".join(f"{label}\t{text}\n" for label, text in rows)
        (folder / "labelled.tsv").write_text(lines, encoding="utf-8", newline="\n")
        write_manifest(folder, [RawFile("labelled.tsv", "labelled")])
        return
    with (folder / "documents.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for name, text in documents(library):
            file.write(json.dumps({"document": name, "text": text}, ensure_ascii=False) + "\n")
    write_manifest(folder, [RawFile("documents.jsonl", "documents")])


def documents(library: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of every topic, then of every module with docstrings; both are sorted.

    Args:
        library: The folder of the standard library.

    Raises:
        UnrollError: The topics of the language reference are not installed.
    """
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


def labelled_docstrings(library: Path, classes: int, min_characters: int) -> list[tuple[str, str]]:
    """Return label and text of docstrings. A label is a package or a top-level module of the library.

    Args:
        library: The folder of the standard library.
        classes: The number of labels; those with the most docstrings are kept.
        min_characters: The minimum length of a docstring.
    """
    rows = [
        (module.parts[0].removesuffix(".py"), " ".join(text.split()))
        for module in sorted(modules(library))
        for text in docstrings(ast.parse((library / module).read_bytes()))
    ]
    rows = [(label, text) for label, text in rows if len(text) >= min_characters]
    counts = Counter(label for label, _ in rows)
    kept = sorted(counts, key=lambda label: (-counts[label], label))[:classes]
    return [(label, text) for label, text in rows if label in kept]


def modules(library: Path) -> Iterator[Path]:
    """Yield the path of every module, relative to the library folder."""
    for folder, folders, files in os.walk(library):
        folders[:] = set(folders) - EXCLUDED
        yield from (Path(folder, file).relative_to(library) for file in files if file.endswith(".py"))


def docstrings(node: ast.AST) -> Iterator[str]:
    """Yield the docstrings of a syntax tree in the order of the source."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
        text := ast.get_docstring(node)
    ):
        yield text
    for block in BLOCKS:
        for statement in getattr(node, block, ()):
            yield from docstrings(statement)
