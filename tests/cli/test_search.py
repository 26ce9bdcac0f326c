"""`unroll index` and `unroll search`."""

import json
from pathlib import Path

import pytest

from tests.trained import Run
from unroll.use.search.index import Index

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
        (
            ("index", "new", "twice.jsonl"),
            "twice.jsonl: line 3: has the id '1' of line 1; give each line its own id",
        ),
        (
            ("search", "indexed", "--queries", "twice.jsonl"),
            "twice.jsonl: line 3: has the id '1' of line 1; give each line its own id",
        ),
        (("index", "new", "page.html"), "page.html: is no collection; write JSON lines"),
        (("search", "indexed", "--queries", "page.html"), "page.html: is no collection; write JSON lines"),
        (("index", "new", "documents.txt"), "documents.txt: line 1: is a JSON object, but JSON lines are read only"),
        (("search", "indexed", "--queries", "topics.jsonl", "--qrels", "again.txt"), "again.txt: line 2: judges"),
        (("search", "indexed", "--queries", "topics.jsonl", "--qrels", "odd.txt"), "odd.txt: line 1: is not"),
    ],
)
def test_bad_input_is_one_sentence(
    unroll: Run, indexed: Path, workspace: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    (workspace / "wrong.jsonl").write_text('{"id": "a b", "text": "x"}\n', encoding="utf-8")
    (workspace / "twice.jsonl").write_text('{"text": "x"}\n\n{"id": 1, "text": "y"}\n', encoding="utf-8")
    (workspace / "page.html").write_text("<p>one</p>\n", encoding="utf-8")
    (workspace / "documents.txt").write_bytes(indexed.with_name("documents.jsonl").read_bytes())
    (workspace / "topics.jsonl").write_text('{"id": "q1", "text": "close file"}\n', encoding="utf-8")
    (workspace / "again.txt").write_text("q1 0 two 1\nq1 0 two 0\n", encoding="utf-8")
    (workspace / "odd.txt").write_text("q1 0 two ²\n", encoding="utf-8")
    result = unroll(*arguments)
    assert result.code == 1
    assert result.err.startswith(f"unroll: {sentence}")
    assert result.out == ""
    assert not (workspace / "new").exists()


def test_a_collection_of_standard_input(unroll: Run, workspace: Path) -> None:
    assert unroll("index", "piped", "-", text="open a file\n\nclose it\n").err.startswith("2 documents")
    assert unroll("search", "piped", "close").out.split("\t")[1] == "3"  # the number of its line
    assert "line 1: is a JSON object" in unroll("index", "piped", "-", text='{"id": "1", "text": "a"}\n').err


def test_a_run_reads_no_text_of_a_document(
    unroll: Run, indexed: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of 225 queries at depth 1,000 read 225,000 texts that it did not print."""
    (workspace / "topics.jsonl").write_text('{"id": "q\\u001b1", "text": "file"}\n', encoding="utf-8")
    monkeypatch.setattr(Index, "text", lambda *_: pytest.fail("a text is read"))
    result = unroll("search", "indexed", "--queries", "topics.jsonl")
    assert [line.split()[:4] for line in result.out.splitlines()] == [
        ["q\\x1b1", "Q0", "two", "1"],
        ["q\\x1b1", "Q0", "one", "2"],
    ]


@pytest.mark.parametrize("word", ["हिन्दी", "می\u200cخواهم"])
def test_a_word_of_any_script_is_one_term(unroll: Run, word: str) -> None:
    assert "2 terms" in unroll("index", "scripts", "-", text=f"{word} file\n").err
    assert unroll("search", "scripts", word[0]).out == ""
    assert unroll("search", "scripts", word).out.count("\n") == 1


def test_accents_are_equal_in_every_form(unroll: Run) -> None:
    unroll("index", "accents", "-", text="cafe\u0301\n")
    assert unroll("search", "accents", "caf\u00e9").out.count("\n") == 1
