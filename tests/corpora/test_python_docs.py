"""The corpora of the documentation of the running Python."""

import hashlib
import json
import sysconfig
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from tests.corpora.settings import TEXT
from unroll.corpora import fetch, python_docs
from unroll.params.corpora import TextCorpus


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    fetch(TextCorpus.model_validate(TEXT | {"source": "python-docs"}), folder)
    return folder


@pytest.fixture(scope="module")
def texts(folder: Path) -> dict[str, str]:
    with (folder / "documents.jsonl").open(encoding="utf-8") as file:
        pairs = [(line["document"], line["text"]) for line in map(json.loads, file)]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_raw_json_describes_the_file(folder: Path) -> None:
    content = (folder / "documents.jsonl").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    entry = {"file": "documents.jsonl", "format": "documents", "split": None, "documents": None, "sha256": sha256}
    entry |= {"unknown_word": None}
    assert json.loads((folder / "raw.json").read_text()) == [entry]


def test_the_corpus_has_the_documented_size(texts: dict[str, str]) -> None:
    assert 0.5e6 < sum(len(text.encode()) for text in texts.values()) < 2e6
    assert len(texts) > 400
    assert all(text.strip() for text in texts.values())


def test_topics_come_first_and_each_part_is_sorted(texts: dict[str, str]) -> None:
    topics = [name for name in texts if name.startswith("topics/")]
    modules = [Path(name).parts for name in texts if name.startswith("modules/")]
    assert [*texts][: len(topics)] == sorted(topics)
    assert modules == sorted(modules)
    assert texts["topics/assignment"].startswith("An assignment statement evaluates the expression list")


def test_a_document_has_the_docstrings_of_a_module_in_the_order_of_the_source(texts: dict[str, str]) -> None:
    text = texts["modules/textwrap.py"]
    assert textwrap.__doc__ is not None
    assert text.startswith(textwrap.__doc__.strip())
    assert text.index("Object for wrapping/filling text.") < text.index("Wrap a sequence of text chunks")


def test_installed_packages_and_tests_are_excluded(texts: dict[str, str]) -> None:
    parts = {part for name in texts for part in Path(name).parts}
    assert parts.isdisjoint({"site-packages", "dist-packages", "test", "tests", "idle_test"})


def test_a_library_with_tests(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.py").write_text('"""The café."""\ndef f():\n    """The café.\n\n    >>> f()\n    """\n')
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "d.py").write_text('"""Not this."""\n')
    modules = [(name, text) for name, text in python_docs.documents(tmp_path) if name.startswith("modules/")]
    assert modules == [("modules/b/c.py", "The café.")]


def test_the_labels_are_the_packages_with_the_most_docstrings() -> None:
    rows = python_docs.labelled_docstrings(Path(sysconfig.get_path("stdlib")), 5, 40)
    labels = Counter(label for label, _ in rows)
    assert len(labels) == 5
    assert "asyncio" in labels
    assert all(len(text) >= 40 and "\n" not in text and "\t" not in text for _, text in rows)
