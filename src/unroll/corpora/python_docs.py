"""Sources `python-docs` and `python-docs-labelled`: the documentation of the Python interpreter that runs the pipeline.

They depend on that interpreter: another version of Python, or an installation without parts of the library, gives
another text, so results are comparable on one installation only. `python-docs` has one document for each topic of the
language reference (`pydoc_data.topics`) and one for the docstrings of each module of the standard library.
`python-docs-labelled` has one labelled text for each docstring.
"""

import os
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from unroll.corpora.docstrings import parse, prose
from unroll.errors import UnrollError
from unroll.params.corpora import LabelledDocsCorpus, TextCorpus
from unroll.text.manifest import write_documents, write_labelled

EXCLUDED = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}
"""The folders of the library without documentation, or whose content depends on the installed packages."""


def fetch(params: TextCorpus | LabelledDocsCorpus, folder: Path) -> None:
    """Write documents.jsonl, or labelled.tsv with the columns label and text.

    Raises:
        UnrollError: The topics of the language reference are not installed.
    """
    library = Path(sysconfig.get_path("stdlib"))
    if isinstance(params, LabelledDocsCorpus):
        write_labelled(folder, labelled_docstrings(library, params.classes, params.min_characters))
    else:
        write_documents(folder, documents(library))


def documents(library: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of every topic, then of every module with prose; both are sorted.

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
    seen: set[str] = set()
    texts = [(f"topics/{name}", [topics[name]]) for name in sorted(topics)]
    texts += [(f"modules/{module.as_posix()}", parse(library / module)) for module in sorted(modules(library))]
    for name, docstrings in texts:
        if text := "\n\n".join("\n\n".join(paragraphs) for paragraphs in prose(docstrings, seen)):
            yield name, text


def labelled_docstrings(library: Path, classes: int, min_characters: int) -> list[tuple[str, str]]:
    """Return label and text of docstrings. A label is a package or a top-level module of the library.

    Args:
        library: The folder of the standard library.
        classes: The number of labels; those with the most docstrings are kept.
        min_characters: The minimum length of a docstring.
    """
    seen: set[str] = set()
    rows = [
        (module.parts[0].removesuffix(".py"), " ".join(paragraphs))
        for module in sorted(modules(library))
        for paragraphs in prose(parse(library / module), seen)
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
