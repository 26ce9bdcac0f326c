"""The outputs of the data stages are the same bytes for any borders of shards and any number of workers."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import tagged
from tests.text.conftest import Workshop, bpe, chars, corpus, words
from unroll.errors import UnrollError
from unroll.text import document_table, raw_shards
from unroll.text.clean import clean
from unroll.text.draft import regroup
from unroll.text.encoding import read_lines
from unroll.text.partition import partition
from unroll.text.records import read_records
from unroll.text.tokenize import tokenize

WORDS = [
    "na\u00efve",
    "\u6771\u4eac",
    "the",
    "cat",
    "\U0001f642",
    "sat",
    "on",
    "<unk>",
    "mat",
    "&amp;",
    "\u00a0",
    "a" * 90,
]
LINES = [" ".join(WORDS[(7 * n + k * k) % len(WORDS)] for k in range(n % 9)) for n in range(400)]
TEXT = "\n".join(LINES) + "\n"
JSON = "".join(json.dumps({"document": f"d{n}", "text": line}) + "\n" for n, line in enumerate(LINES))
SENTENCES = "".join(
    "".join(f"{word}\tT{n % 5}\n" for word in line.split() or ["a"]) + "\n" for n, line in enumerate(LINES)
)
JAPANESE = "\u6771\u4eac \u8868\u793a\n" * 50 + "\u8868\n" * 90
NEAR = {"kind": "near", "words": 2, "similarity": 0.6, "drop": True}
EXACT = {"kind": "exact", "drop": True}
BY_HASH = {"by": "hash", "valid": 0.2, "test": 0.2}
CORPORA: dict[str, tuple[list[tuple[str, dict[str, Any]]], dict[str, Any]]] = {
    "lines": ([(TEXT, {}), (TEXT.upper(), {})], {"duplicates": EXACT, "splits": BY_HASH}),
    "lines by position": ([(TEXT, {}), ("last line", {})], {"duplicates": NEAR, "empty": "keep"}),
    "CRLF": ([(TEXT.replace("\n", "\r\n"), {})], {"duplicates": NEAR, "splits": BY_HASH}),
    "CR": ([(TEXT.replace("\n", "\r"), {})], {"splits": BY_HASH}),
    "paragraphs": ([(TEXT, {}), (TEXT.replace("\n", "\r\n"), {})], {"documents": "paragraph", "splits": BY_HASH}),
    "long documents": ([(TEXT, {})], {"documents": "paragraph", "max_characters": 100, "splits": BY_HASH}),
    "files": ([(TEXT, {}), (TEXT[:900], {})], {"documents": "file", "max_characters": 300}),
    "by source": (
        [(TEXT, {"split": "train"}), (TEXT[:2000], {"split": "valid"}), (TEXT[:3000], {"split": "test"})],
        {"splits": {"by": "source", "valid": 0.1, "test": 0.1}},
    ),
    "pairs": (
        [("".join(f"{a}\t{b}\n" for a, b in zip(LINES, LINES[3:], strict=False)), {"format": "pairs"})],
        {"duplicates": EXACT, "splits": BY_HASH},
    ),
    "labelled": (
        [("".join(f"label {n % 3}\t{line}\n" for n, line in enumerate(LINES)), {"format": "labelled"})],
        {"duplicates": EXACT, "splits": BY_HASH},
    ),
    "tagged": (
        [(SENTENCES, {"format": "tagged"}), (SENTENCES.replace("\n", "\r\n"), {"format": "tagged"})],
        {"duplicates": EXACT, "splits": BY_HASH},
    ),
    "many labelled files": (
        [(line or "empty", {"format": "labelled", "documents": "file"}) for line in LINES[:60]],
        {"splits": BY_HASH},
    ),
    "JSON": ([(JSON, {"format": "documents"})], {"splits": BY_HASH}),
    "series": ([("".join(f"{n},{n * n % 31}\n" for n in range(300)), {"format": "series"})], {}),
    "UTF-16": ([(TEXT, {})], {"encoding": "utf-16", "splits": BY_HASH}),
    "Shift JIS": ([(JAPANESE, {})], {"encoding": "shift_jis", "empty": "keep"}),
    "undecodable": ([(TEXT, {})], {"encoding": "shift_jis", "errors": "replace", "splits": BY_HASH}),
}


@pytest.fixture(params=CORPORA)
def raw(request: pytest.FixtureRequest, workshop: Workshop) -> tuple[Workshop, dict[str, Any]]:
    files, values = CORPORA[request.param]
    encoding = values.get("encoding", "utf-8") if values.get("errors") != "replace" else "utf-8"
    for number, (text, entry) in enumerate(files):
        workshop.add(text.encode(encoding), f"{number % 3}/{number}.txt", **entry)
    return workshop, values


def result(folder: Path, name: str, workshop: Workshop, values: dict[str, Any]) -> dict[str, bytes]:
    """The bytes of the outputs of all three stages."""
    home = folder / name
    home.mkdir()
    counts = clean(corpus(**values), workshop.raw, home / "clean.parquet")
    (home / "counts.json").write_text(json.dumps(counts))
    if "value" not in document_table.field_names(home / "clean.parquet"):
        first = document_table.field_names(home / "clean.parquet")[0]
        kinds: dict[str, Any] = {"words": words(shared_vocabulary=first != "source"), "chars": chars(), "bpe": bpe()}
        if first == "tags":
            kinds = {"tagged": tagged.words(corpus="tiny", min_count=2)}
        for kind, params in kinds.items():
            (home / kind).mkdir()
            tokenize(params, home / "clean.parquet", home / kind)
            (home / f"{kind}-streams").mkdir()
            partition(params, kind, 1, home / kind, home / f"{kind}-streams")
    return {str(path.relative_to(home)): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


def in_small_shards(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(raw_shards, "SHARD_BYTES", size)
    monkeypatch.setattr(document_table, "SHARD_GROUPS", 1)


def test_borders_of_shards_change_no_byte(
    raw: tuple[Workshop, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_table, "MAX_ROWS", 37)
    monkeypatch.setattr(document_table, "MAX_CHARACTERS", 900)
    whole = result(tmp_path, "whole", *raw)
    for size in (50, 1000):
        in_small_shards(monkeypatch, size)
        assert result(tmp_path, f"shards-{size}", *raw) == whole
    assert not list(tmp_path.rglob("*draft*"))


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["2", "4"])
def test_workers_change_no_byte(
    raw: tuple[Workshop, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    whole = result(tmp_path, "whole", *raw)
    in_small_shards(monkeypatch, 3000)
    monkeypatch.setenv("UNROLL_WORKERS", workers)
    assert result(tmp_path, "workers", *raw) == whole


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    text=st.text(st.sampled_from("a \n\r\t\u00e9\u6771\U0001f642\u2028\x85\ufeff"), max_size=60),
    size=st.integers(1, 40),
    unit=st.sampled_from(["line", "paragraph"]),
    limit=st.integers(1, 20),
)
def test_shards_have_the_records_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, size: int, unit: str, limit: int
) -> None:
    """Borders inside characters of several bytes, between CR and LF, in blank lines, and after a byte order mark."""
    (tmp_path / "a.txt").write_bytes(b"x" + text.encode())  # no file is empty
    entry = {"file": "a.txt", "format": "text", "documents": "line"}
    (tmp_path / "raw.json").write_text(json.dumps([entry]))
    # The settings accept limits from 100 on; smaller ones put more cuts into a short text.
    params = corpus(documents=unit).model_copy(update={"max_characters": limit})
    monkeypatch.setattr(raw_shards, "SHARD_BYTES", 10**6)
    [whole] = raw_shards.divide(params, tmp_path)
    monkeypatch.setattr(raw_shards, "SHARD_BYTES", size)
    monkeypatch.setattr(raw_shards, "BLOCK", 3)
    parts = list(raw_shards.divide(params, tmp_path))
    records = [record for part in parts for record in read_records(params, tmp_path, part)]
    assert records == list(read_records(params, tmp_path, whole))
    borders = [part.start for shard in parts for part in shard]
    assert borders == sorted(set(borders))
    assert all(after - before >= size for before, after in pairwise(borders))


def test_a_large_file_has_several_shards_of_about_the_same_size(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.add(TEXT)
    monkeypatch.setattr(raw_shards, "SHARD_BYTES", 1000)
    shards = list(raw_shards.divide(corpus(), workshop.raw))
    sizes = np.diff([part.start for [part] in shards])
    assert len(sizes) > 5
    assert sizes.min() >= 1000
    assert sizes.max() < 1000 + max(map(len, TEXT.encode().split(b"\n"))) + 1


def test_small_files_share_a_shard(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        workshop.add("0123456789", f"{number}.txt")
    monkeypatch.setattr(raw_shards, "SHARD_BYTES", 35)
    assert [len(shard) for shard in raw_shards.divide(corpus(documents="file"), workshop.raw)] == [4, 4, 2]


@pytest.mark.parametrize("encoding", raw_shards.DIVISIBLE)
def test_a_line_ends_at_the_byte_0x0a_whatever_is_before_it(encoding: str) -> None:
    """Otherwise a file of this encoding could not be divided without being decoded."""
    pairs = [bytes([a, b]) for a in range(256) for b in range(256)]
    for before in (*pairs, *(b"\x81\x30" + bytes([a]) for a in range(256))):
        assert (before + b"\n").decode(encoding, "replace").endswith("\n"), before


def test_an_error_names_the_line_in_the_file(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{n}\ttext" for n in range(100)]
    lines[70] = "no tab"
    workshop.add("\r\n".join(lines), format="pairs")
    monkeypatch.setattr(raw_shards, "SHARD_BYTES", 50)
    monkeypatch.setenv("UNROLL_WORKERS", "2")
    with pytest.raises(UnrollError, match=r"a\.txt: line 71: there is no tab"):
        workshop.clean()


def test_an_undecodable_byte_in_a_later_shard_is_found(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    workshop.add(b"good\n" * 50 + b"bad \xff\n" + b"good\n")
    monkeypatch.setattr(raw_shards, "SHARD_BYTES", 20)
    with pytest.raises(UnrollError, match=r"line 51: byte 254 \(0xff\) is not UTF-8"):
        workshop.clean()


def test_a_byte_order_mark_is_removed_at_the_beginning_of_a_file_only(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffone\n\ufefftwo\n".encode())
    assert list(read_lines(path, "utf-8", "strict", -1)) == ["one\n", "\ufefftwo\n"]
    assert list(read_lines(path, "utf-8", "strict", -1, 7, 14)) == ["\ufefftwo\n"]


@given(sizes=st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=6))
def test_row_groups_do_not_depend_on_batches(sizes: list[list[int]]) -> None:
    import pyarrow as pa

    flat = [size for batch in sizes for size in batch]
    groups: list[list[int]] = [[]]
    for size in flat:  # the rule, one row at a time
        groups[-1].append(size)
        if len(groups[-1]) >= 5 or sum(groups[-1]) >= 60:
            groups.append([])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document_table, "MAX_ROWS", 5)
        patch.setattr(document_table, "MAX_CHARACTERS", 60)
        batches = ((pa.table({"size": pa.array(batch, pa.int64())}), np.array(batch, np.int64)) for batch in sizes)
        found = [table["size"].to_pylist() for table in regroup(batches)]
    assert found == [group for group in groups if group]
