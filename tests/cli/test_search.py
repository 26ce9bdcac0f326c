"""`unroll index` and `unroll search`."""

import json
from pathlib import Path

import pytest

from tests.trained import Run

DOCUMENTS = [{"id": "one", "text": "open a \x1b[31m file"}, {"id": "two", "text": "close the file"}]


@pytest.fixture
def indexed(unroll: Run, workspace: Path) -> Path:
    (workspace / "documents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in DOCUMENTS), encoding="utf-8")
    result = unroll("index", "indexed", "documents.jsonl")
    assert (result.code, result.err) == (0, "2 documents, 7 terms, 6 different\n")
    return workspace / "indexed"


@pytest.mark.parametrize("by", ["dirichlet", "jelinek-mercer", "bm25"])
def test_a_query_finds_its_documents(unroll: Run, indexed: Path, by: str) -> None:
    result = unroll("search", "indexed", "open file", "--by", by)
    assert [line.split("\t")[1] for line in result.out.splitlines()] == ["one", "two"]
    assert "\x1b" not in result.out


def test_queries_print_a_run_that_is_evaluated(unroll: Run, indexed: Path, workspace: Path) -> None:
    (workspace / "topics.jsonl").write_text('{"id": "q1", "text": "close file"}\n', encoding="utf-8")
    (workspace / "qrels.txt").write_text("q1 0 two 1\n", encoding="utf-8")
    result = unroll("search", "indexed", "--queries", "topics.jsonl", "--qrels", "qrels.txt")
    rows = [line.split() for line in result.out.splitlines()]
    assert [(row[0], row[1], row[2], row[3], row[5]) for row in rows] == [
        ("q1", "Q0", "two", "1", "dirichlet"),
        ("q1", "Q0", "one", "2", "dirichlet"),
    ]
    assert "nDCG@10\t1.0000" in result.err
    assert "P@10\t0.1000" in result.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("search", "nowhere", "file"), "nowhere: no index here"),
        (("search", "indexed"), "search: no query"),
        (("search", "indexed", "--queries", "absent.jsonl"), "absent.jsonl: cannot be read"),
        (("search", "indexed", "file", "--qrels", "wrong.jsonl"), "search: --qrels evaluates the queries of a file"),
        (("search", "indexed", "file", "--queries", "documents.jsonl"), "search: 'file' and --queries"),
        (
            ("search", "indexed", "--queries", "documents.jsonl", "--qrels", "wrong.jsonl"),
            "wrong.jsonl: line 1: is not",
        ),
        (("index", "new", "wrong.jsonl"), 'wrong.jsonl: line 1: its "id" is empty or has white space'),
        (("index", "models", "documents.jsonl"), "models: exists and is not an index"),
    ],
)
def test_bad_input_is_one_sentence(
    unroll: Run, indexed: Path, workspace: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (workspace / "wrong.jsonl").write_text('{"id": "a b", "text": "x"}\n', encoding="utf-8")
    result = unroll(*arguments)
    assert result.code == 1
    assert result.err.startswith(f"unroll: {sentence}")
