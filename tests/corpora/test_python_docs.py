"""The corpus of Python's documentation."""

import hashlib
import json
from pathlib import Path

import pytest

from unroll.corpora import fetch, python_docs
from unroll.params.load import load


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    fetch(load(Path(__file__).parents[2] / "params.yaml").corpora["prose"], 1, folder)
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
    assert json.loads((folder / "raw.json").read_text()) == [entry]


def test_the_corpus_has_the_documented_size(texts: dict[str, str]) -> None:
    assert 1.5e6 < sum(len(text.encode()) for text in texts.values()) < 4e6
    assert 250_000 < sum(len(text.split()) for text in texts.values()) < 600_000
    assert len(texts) > 400
    assert all(text.strip() for text in texts.values())


def test_topics_come_first_and_each_part_is_sorted(texts: dict[str, str]) -> None:
    topics = [name for name in texts if name.startswith("topics/")]
    modules = [Path(name).parts for name in texts if name.startswith("modules/")]
    assert [*texts][: len(topics)] == sorted(topics)
    assert modules == sorted(modules)
    assert "assert" in texts["topics/assert"]


def test_a_document_has_the_docstrings_of_a_module_in_the_order_of_the_source(texts: dict[str, str]) -> None:
    import textwrap

    text = texts["modules/textwrap.py"]
    first, second = textwrap.__doc__, textwrap.TextWrapper.__doc__
    assert first is not None
    assert second is not None
    assert text.startswith(first.strip())
    assert text.index("Object for wrapping/filling text") < text.index("Wrap a single paragraph of text")


def test_installed_packages_and_tests_are_excluded(texts: dict[str, str]) -> None:
    parts = {part for name in texts for part in Path(name).parts}
    assert parts.isdisjoint({"site-packages", "dist-packages", "test", "tests", "idle_test"})


def test_a_library_with_nested_definitions(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.py").write_bytes(
        b'# -*- coding: latin-1 -*-\n"""Caf\xe9."""\nclass A:\n    """A."""\n    async def f(self):\n        """F."""\n'
    )
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "d.py").write_text('"""Not this."""\n')
    modules = [(name, text) for name, text in python_docs.documents(tmp_path) if name.startswith("modules/")]
    assert modules == [("modules/b/c.py", "Café.\n\nA.\n\nF.")]
