"""Sources `package-docs` and `package-docs-labelled`: the documentation of installed packages of exact versions.

A document of `package-docs` is the prose in the docstrings of a module. A text of `package-docs-labelled` is the prose
of one docstring, and its label is the package. The wheels of a version contain the same modules for every system and
Python, except for numpy, whose modules depend on the version of Python. The SHA-256 in params.yaml verifies this.
"""

import hashlib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from unroll.corpora.docstrings import parse, prose
from unroll.errors import UnrollError
from unroll.params.corpora import LabelledPackageDocsCorpus, PackageDocsCorpus
from unroll.text.manifest import write_documents, write_labelled

EXCLUDED = {"test", "tests", "testing", "externals", "_external", "_vendor", "_vendored", "__config__.py"}
"""Folders with tests or other packages, and a file that is generated when a wheel is built."""
REMEDY = "install the versions of requirements.lock, or change packages to the versions that you have and set sha256"


def fetch(params: PackageDocsCorpus | LabelledPackageDocsCorpus, folder: Path) -> None:
    """Write documents.jsonl, or labelled.tsv with the columns label and text.

    Raises:
        UnrollError: A package is not installed in the version that `params` names, or has no prose.
    """
    if isinstance(params, LabelledPackageDocsCorpus):
        write_labelled(folder, labelled_docstrings(params.packages, params.min_characters, params.max_per_label))
    else:
        write_documents(folder, documents(params.packages))


def documents(packages: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield name and text of every module with prose, package by package. No paragraph occurs twice.

    Args:
        packages: The packages, as name==version.

    Raises:
        UnrollError: A package is not installed in this version, or has no prose.
    """
    seen: set[str] = set()
    for package in packages:
        for name, docstrings in _modules(package, seen):
            yield name, "\n\n".join("\n\n".join(paragraphs) for paragraphs in docstrings)


def labelled_docstrings(packages: Iterable[str], min_characters: int, max_per_label: int) -> list[tuple[str, str]]:
    """Return label and text of docstrings. A label is the name of a package. No paragraph occurs twice.

    Args:
        packages: The packages, as name==version.
        min_characters: The minimum length of a text.
        max_per_label: The maximum number of texts of a package. A hash of the text selects them.

    Raises:
        UnrollError: A package is not installed in this version, or has no prose.
    """
    rows, seen = [], set[str]()
    for package in packages:
        texts = [" ".join(paragraphs) for _, docstrings in _modules(package, seen) for paragraphs in docstrings]
        long = [text for text in texts if len(text) >= min_characters]
        kept = set(sorted(long, key=lambda text: hashlib.sha256(text.encode()).digest())[:max_per_label])
        rows += [(package.partition("==")[0], text) for text in long if text in kept]
    return rows


def _modules(package: str, seen: set[str]) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield the path of every module with prose, and the paragraphs of each of its docstrings."""
    found = False
    for name, path in sorted(_files(package).items()):
        if docstrings := list(prose(parse(path), seen)):
            found = True
            yield name, docstrings
    if not found:
        raise UnrollError(f"corpora.*.packages: {package} has no prose in docstrings; remove it")


def _files(package: str) -> dict[str, Path]:
    """Return the locations of the modules of an installed package by their paths in its wheel."""
    name, _, version = package.partition("==")
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        raise UnrollError(f"corpora.*.packages: {package} is not installed; {REMEDY}") from None
    if installed.version != version:
        raise UnrollError(
            f"corpora.*.packages: {name} {installed.version} is installed in place of {version}; {REMEDY}"
        )
    return {
        file.as_posix(): Path(str(file.locate()))
        for file in installed.files or ()
        if file.suffix == ".py" and file.parts[0] != ".." and not EXCLUDED.intersection(file.parts)
    }
