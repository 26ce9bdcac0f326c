"""`python-docs-labelled`: the docstrings of the standard library, each with the package it documents as its label."""

import ast
import sysconfig
from collections import Counter
from pathlib import Path

from unroll.corpora.python_docs import docstrings, modules
from unroll.params.corpora import LabelledDocsCorpus
from unroll.text.manifest import RawFile, write_manifest


def fetch(params: LabelledDocsCorpus, seed: int, folder: Path) -> None:
    """Write `labelled.tsv` (label, text) and `raw.json` into `folder`; nothing is random.

    A label is a package or top-level module; the params.classes with the most docstrings are kept, of their docstrings
    those of at least params.min_characters characters.
    """
    library = Path(sysconfig.get_path("stdlib"))
    rows = [
        (module.parts[0].removesuffix(".py"), " ".join(text.split()))
        for module in sorted(modules(library))
        for text in docstrings(ast.parse((library / module).read_bytes()))
    ]
    rows = [(label, text) for label, text in rows if len(text) >= params.min_characters]
    counts = Counter(label for label, _ in rows)
    kept = sorted(counts, key=lambda label: (-counts[label], label))[: params.classes]
    lines = "".join(f"{label}\t{text}\n" for label, text in rows if label in kept)
    (folder / "labelled.tsv").write_text(lines, encoding="utf-8", newline="\n")
    write_manifest(folder, [RawFile("labelled.tsv", "labelled")])
